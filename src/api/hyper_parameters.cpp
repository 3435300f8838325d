#include "api/hyper_parameters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

namespace holdfast::api {

namespace {

using nlohmann::json;

template <class Number>
std::optional<Number> read(const std::string& text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return {};
  return number;
}

template <class Number>
std::optional<std::string> refuse_number(const json& specification, const char* range, const char* what,
                                         std::optional<Number> (*read_value)(const std::string&),
                                         const std::string& value) {
  const json bounds = specification.value("Range", json::object()).value(range, json());
  const auto number = read_value(value);
  if (bounds.is_null()) return number ? std::optional<std::string>() : fmt::format("must be {}", what);
  const auto low = read_value(bounds.at("MinValue"));
  const auto high = read_value(bounds.at("MaxValue"));
  if (number && low && high && *number >= *low && *number <= *high) return {};
  return fmt::format("must be {} from {} to {}", what, bounds.at("MinValue").get<std::string>(),
                     bounds.at("MaxValue").get<std::string>());
}

}  // namespace

std::optional<std::int64_t> read_integer(const std::string& text) { return read<std::int64_t>(text); }

std::optional<double> read_number(const std::string& text) {
  const auto number = read<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::optional<std::string> refuse_value(const json& specification, const std::string& value) {
  const std::string type = specification.at("Type");
  if (type == "Integer")
    return refuse_number(specification, "IntegerParameterRangeSpecification", "an integer", read_integer, value);
  if (type == "Continuous")
    return refuse_number(specification, "ContinuousParameterRangeSpecification", "a number", read_number, value);
  const json range = specification.value("Range", json::object());
  if (type != "Categorical" || !range.contains("CategoricalParameterRangeSpecification")) return {};
  const auto values = range["CategoricalParameterRangeSpecification"].at("Values").get<std::vector<std::string>>();
  if (std::find(values.begin(), values.end(), value) != values.end()) return {};
  return fmt::format("must be one of [{}]", fmt::join(values, ", "));
}

}  // namespace holdfast::api
