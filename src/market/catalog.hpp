// What an instance type costs. The defaults are placeholders of this machine's slots: nobody is billed for them, but
// savings can be worked out from them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace holdfast::market {

struct Price {
  MicroDollars on_demand_per_hour = 0;
  MicroDollars spot_per_hour = 0;
};

constexpr Price kDefaultPrice{.on_demand_per_hour = 1'000'000, .spot_per_hour = 300'000};
// Above the dearest instance there is; the books hold 30 days of it in 64 bits.
constexpr double kMaxDollarsPerHour = 1'000;
constexpr std::size_t kMaxCatalogTypes = 2'000;

// Prices by instance type; every type without a price of its own costs kDefaultPrice.
struct Catalog {
  std::map<std::string, Price, std::less<>> types;

  Price price(std::string_view instance_type) const;
};

// {"ml.m5.large": {"on_demand": 0.115, "spot": 0.035}, ...} in dollars per hour; spot costs at most what on-demand
// does, as at AWS. Kind::invalid with a message that names the type and what is wrong with it.
Result<Catalog> parse_catalog(std::string_view text);

}  // namespace holdfast::market
