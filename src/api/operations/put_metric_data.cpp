// Values of users' own metrics. All of a request is kept, or nothing of it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/operations/metric_requests.hpp"
#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/rules_text.hpp"
#include "api/shapes/cloudwatch.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

const double kLargestValue = std::ldexp(1.0, 360);
constexpr Duration kMaxAge = hours{24 * 14};
constexpr Duration kMaxAhead = hours{2};

// Reads one datum; `where` is its place in the request: "MetricData.member.3."
class DatumReader {
 public:
  DatumReader(const json& datum, std::string where) : datum_(datum), where_(std::move(where)) {}

  Metrics<ports::Measurement> read(const std::string& space, Instant now) const {
    ports::Measurement measured;
    if (auto named = name(measured.metric, space); !named) return tl::unexpected(named.error());
    auto at = time(now);
    if (!at) return tl::unexpected(at.error());
    measured.at = *at;
    auto values = bucket();
    if (!values) return tl::unexpected(values.error());
    measured.values = std::move(*values);
    measured.unit = datum_.value("Unit", "None");
    const auto resolution = datum_.value("StorageResolution", 60);
    if (resolution != 1 && resolution != 60)
      return invalid_value(fmt::format("The parameter {}StorageResolution must be 1 or 60.", where_));
    measured.by_the_second = resolution == 1;
    return measured;
  }

 private:
  Metrics<void> name(ports::Metric& metric, const std::string& space) const {
    auto dimensions = dimensions_of(datum_, where_ + "Dimensions");
    if (!dimensions) return tl::unexpected(dimensions.error());
    metric = {space, datum_.at("MetricName").get<std::string>(), std::move(*dimensions)};
    if (!is_plain(metric.name)) return not_plain("MetricName");
    for (const auto& [name, value] : metric.dimensions)
      if (!is_plain(name) || !is_plain(value) || name[0] == ':') return not_plain("Dimensions");
    return {};
  }
  // Something to see in it, and nothing that steers a terminal.
  static bool is_plain(const std::string& text) {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    return std::none_of(text.begin(), text.end(), control) && text.find_first_not_of(' ') != std::string::npos;
  }
  tl::unexpected<ApiError> not_plain(const char* member) const {
    return invalid_value(
        fmt::format("The parameter {}{} must not be blank or hold control characters, and a dimension's "
                    "name must not begin with a colon.",
                    where_, member));
  }

  Metrics<Instant> time(Instant now) const {
    if (!datum_.contains("Timestamp")) return now;
    const Instant at = to_instant(datum_.at("Timestamp").get<double>());
    if (at >= now - kMaxAge && at <= now + kMaxAhead) return at;
    return invalid_value(fmt::format(
        "The parameter {}Timestamp must specify a time no more than two hours in the future and no more than "
        "two weeks in the past.",
        where_));
  }

  Metrics<metrics::Bucket> bucket() const {
    const int given = static_cast<int>(datum_.contains("Value")) +
                      static_cast<int>(datum_.contains("StatisticValues")) +
                      static_cast<int>(datum_.contains("Values") || datum_.contains("Counts"));
    if (given == 0) {
      return missing_parameter(fmt::format("One of {0}Value, {0}Values and {0}StatisticValues is required.", where_));
    }
    if (given > 1) {
      return invalid_combination(
          fmt::format("The parameters {0}Value, {0}Values and {0}StatisticValues are mutually exclusive.", where_));
    }
    if (datum_.contains("Value")) {
      const auto value = number(datum_.at("Value"), "Value");
      if (!value) return tl::unexpected(value.error());
      return metrics::Bucket::of(*value);
    }
    return datum_.contains("StatisticValues") ? summed_up() : counted();
  }
  static std::string shown(double value, const json& given) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return echo(given);
  }
  Metrics<double> number(const json& given, const std::string& member) const {
    const double value = given.get<double>();
    if (std::isfinite(value) && std::abs(value) <= kLargestValue) return value;
    return invalid_value(
        fmt::format("The value {} for parameter {}{} is invalid: it must be a number within -2^360 and 2^360.",
                    shown(value, given), where_, member));
  }
  Metrics<metrics::Bucket> summed_up() const {
    const auto& set = datum_.at("StatisticValues");
    std::array<double, 4> values{};
    std::size_t i = 0;
    for (const char* member : {"SampleCount", "Sum", "Minimum", "Maximum"}) {
      const auto value = number(set.at(member), fmt::format("StatisticValues.{}", member));
      if (!value) return tl::unexpected(value.error());
      values[i++] = *value;
    }
    const auto [samples, sum, minimum, maximum] = values;
    if (samples <= 0 || minimum > maximum) {
      return invalid_value(fmt::format(
          "The parameter {}StatisticValues must have a positive SampleCount and no Minimum above its Maximum.",
          where_));
    }
    return metrics::Bucket::summed_up(samples, sum, minimum, maximum);
  }
  Metrics<metrics::Bucket> counted() const {
    const json values = datum_.value("Values", json::array());
    const json counts = datum_.value("Counts", json());
    if (values.empty()) return missing_parameter(fmt::format("The parameter {}Values is required.", where_));
    if (!counts.is_null() && counts.size() != values.size()) {
      return invalid_value(
          fmt::format("The parameters {0}Values and {0}Counts must have the same number of members.", where_));
    }
    metrics::Bucket all;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = number(values[i], fmt::format("Values.member.{}", i + 1));
      if (!value) return tl::unexpected(value.error());
      const auto count =
          counts.is_null() ? Metrics<double>(1.0) : number(counts[i], fmt::format("Counts.member.{}", i + 1));
      if (!count) return tl::unexpected(count.error());
      if (*count <= 0)
        return invalid_value(fmt::format("The parameter {}Counts.member.{} must be positive.", where_, i + 1));
      all.merge(metrics::Bucket::of(*value, *count));
    }
    return all;
  }

  const json& datum_;
  std::string where_;
};

}  // namespace

void put_metric_data(const Call& call, Answer answer) {
  const json request = without_nulls(call.request);
  if (auto valid = validate(request, shapes::put_metric_data_input()); !valid)
    return answer(tl::unexpected(in_words_of_cloudwatch(valid.error())));
  const auto space = request.at("Namespace").get<std::string>();
  if (space.starts_with("AWS/") || space.starts_with("/aws/")) {
    return answer(invalid_value(
        fmt::format("The value {} for parameter Namespace is invalid: AWS/ and /aws/ are for services.", space)));
  }
  const Instant now = call.backends.clock.now();
  std::vector<ports::Measurement> measurements;
  for (const auto& datum : request.at("MetricData")) {
    const auto where = fmt::format("MetricData.member.{}.", measurements.size() + 1);
    auto measured = DatumReader(datum, where).read(space, now);
    if (!measured) return answer(tl::unexpected(measured.error()));
    measurements.push_back(std::move(*measured));
  }
  if (auto put = call.backends.metrics.put(measurements, {}); !put)
    return answer(tl::unexpected(to_api_error(put.error())));
  answer(std::string());
}

}  // namespace holdfast::api::operations
