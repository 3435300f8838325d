#include "api/operations/metric_requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace holdfast::api::operations {

using nlohmann::json;

ApiError in_words_of_cloudwatch(ApiError error) {
  if (error.code != "ValidationException") return error;
  // Several things may be wrong at once; only where nothing else is, is it called missing.
  const bool missing = error.message.starts_with("1 validation error") &&
                       error.message.find("Member must not be null") != std::string::npos;
  error.code = missing ? "MissingRequiredParameterException" : "InvalidParameterValueException";
  return error;
}

json without_nulls(json request) {
  if (request.is_array())
    for (auto& element : request) element = without_nulls(std::move(element));
  if (!request.is_object()) return request;
  for (auto member = request.begin(); member != request.end();) {
    if (member->is_null()) {
      member = request.erase(member);
    } else {
      *member = without_nulls(std::move(*member));
      ++member;
    }
  }
  return request;
}

Instant to_instant(double epoch_seconds) { return from_ms(std::llround(epoch_seconds * 1000.0)); }

Metrics<ports::Dimensions> dimensions_of(const json& holder, const std::string& where) {
  ports::Dimensions dimensions;
  for (const auto& dimension : holder.value("Dimensions", json::array()))
    dimensions.emplace_back(dimension.at("Name").get<std::string>(), dimension.at("Value").get<std::string>());
  std::sort(dimensions.begin(), dimensions.end());
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  const auto twice = std::adjacent_find(dimensions.begin(), dimensions.end(), same_name);
  if (twice != dimensions.end())
    return invalid_value(fmt::format("{}: the dimension '{}' is there twice.", where, twice->first));
  return dimensions;
}

Metrics<ports::Metric> metric_of(const json& holder, const std::string& where) {
  auto dimensions = dimensions_of(holder, where + "Dimensions");
  if (!dimensions) return tl::unexpected(dimensions.error());
  for (const char* member : {"Namespace", "MetricName"})
    if (!holder.contains(member))
      return missing_parameter(fmt::format("The parameter {}{} is required.", where, member));
  return ports::Metric{holder.at("Namespace").get<std::string>(), holder.at("MetricName").get<std::string>(),
                       std::move(*dimensions)};
}

json to_json(const ports::Metric& metric) {
  json dimensions = json::array();
  for (const auto& [name, value] : metric.dimensions) dimensions.push_back({{"Name", name}, {"Value", value}});
  return {{"Namespace", metric.space}, {"MetricName", metric.name}, {"Dimensions", std::move(dimensions)}};
}

Result<std::vector<ports::UnitPoints>> read_periods(ports::MetricStore& metrics, const PeriodQuestion& question,
                                                    Instant now) {
  const Instant first = metrics::first_period(question.start, question.period, now);
  const auto tier = metrics::tier_for(first, question.period);
  auto read = metrics.read(question.metric, question.unit, tier, first, question.end);
  if (!read) return fail(read.error());
  for (auto& unit : *read) unit.points = metrics::by_period(unit.points, first, question.period);
  return read;
}

Metrics<void> check_periods(std::int64_t period, Instant start, Instant end) {
  if (!metrics::is_period(period))
    return invalid_value("The parameter Period must be 1, 5, 10, 30 or a multiple of 60.");
  if (start >= end) return invalid_value("The parameter StartTime must be less than the parameter EndTime.");
  return {};
}

}  // namespace holdfast::api::operations
