#include "market/catalog.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace holdfast::market {

namespace {

using Json = nlohmann::json;

Result<MicroDollars> dollars(const std::string& type, const Json& prices, const char* which) {
  const auto found = prices.find(which);
  if (found == prices.end()) return fail(Kind::invalid, "the price of {}: \"{}\" is missing", type, which);
  // Not above zero: an on-demand price of 0 would make the ratio that is billed meaningless.
  const double value = found->is_number() ? found->get<double>() : -1;
  if (!(value > 0 && value <= kMaxDollarsPerHour)) {
    return fail(Kind::invalid, "the price of {}: \"{}\" must be dollars per hour, above 0 and at most {}", type, which,
                kMaxDollarsPerHour);
  }
  return std::max<MicroDollars>(1, std::llround(value * 1e6));
}

Result<Price> price_of(const std::string& type, const Json& prices) {
  if (!type.starts_with("ml.")) return fail(Kind::invalid, "the price of {}: an instance type begins with ml.", type);
  if (!prices.is_object())
    return fail(Kind::invalid, R"(the price of {} must be {{"on_demand": ..., "spot": ...}})", type);
  for (const auto& [key, value] : prices.items()) {
    if (key != "on_demand" && key != "spot") {
      return fail(Kind::invalid, R"(the price of {}: "{}" is unknown; there are "on_demand" and "spot")", type, key);
    }
  }
  const auto on_demand = dollars(type, prices, "on_demand");
  if (!on_demand) return fail(on_demand.error());
  const auto spot = dollars(type, prices, "spot");
  if (!spot) return fail(spot.error());
  if (*spot > *on_demand) return fail(Kind::invalid, R"(the price of {}: "spot" is above "on_demand")", type);
  return Price{*on_demand, *spot};
}

}  // namespace

Price Catalog::price(std::string_view instance_type) const {
  const auto found = types.find(instance_type);
  return found == types.end() ? kDefaultPrice : found->second;
}

Result<Catalog> parse_catalog(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return fail(Kind::invalid, R"(prices must be JSON like {{"ml.m5.large": {{"on_demand": 0.115, "spot": 0.035}}}})");
  }
  if (json.size() > kMaxCatalogTypes) return fail(Kind::invalid, "prices: more than {} types", kMaxCatalogTypes);
  Catalog catalog;
  for (const auto& [type, prices] : json.items()) {
    const auto price = price_of(type, prices);
    if (!price) return fail(price.error());
    catalog.types[type] = *price;
  }
  return catalog;
}

}  // namespace holdfast::market
