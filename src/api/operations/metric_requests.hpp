// What CloudWatch's operations have in common: how a metric is named in a request, and their errors.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tl/expected.hpp>

#include "api/errors.hpp"
#include "base/time.hpp"
#include "ports/metrics.hpp"

namespace holdfast::api::operations {

template <class T>
using Metrics = tl::expected<T, ApiError>;

inline tl::unexpected<ApiError> invalid_value(std::string message) {
  return tl::unexpected(ApiError{400, "InvalidParameterValueException", std::move(message)});
}
inline tl::unexpected<ApiError> invalid_combination(std::string message) {
  return tl::unexpected(ApiError{400, "InvalidParameterCombinationException", std::move(message)});
}
inline tl::unexpected<ApiError> missing_parameter(std::string message) {
  return tl::unexpected(ApiError{400, "MissingRequiredParameterException", std::move(message)});
}
// CloudWatch has names of its own for what SageMaker calls a ValidationException.
ApiError in_words_of_cloudwatch(ApiError error);

// A null member is one that was not given, at any depth. Nulls in lists stay: the rules refuse them.
nlohmann::json without_nulls(nlohmann::json request);

// Milliseconds are as fine as instants get here.
Instant to_instant(double epoch_seconds);

// Sorted by name. A name that is there twice is an error; `where` names the list in it.
Metrics<ports::Dimensions> dimensions_of(const nlohmann::json& holder, const std::string& where);
// Of an object with Namespace, MetricName and Dimensions.
Metrics<ports::Metric> metric_of(const nlohmann::json& holder, const std::string& where);
nlohmann::json to_json(const ports::Metric& metric);

// The values of one metric between two times, by its periods; `unit` empty: whatever its unit.
struct PeriodQuestion {
  ports::Metric metric;
  std::string unit;
  seconds period;
  Instant start, end;  // as asked for: start is rounded down, end is not in it
};
Result<std::vector<ports::UnitPoints>> read_periods(ports::MetricStore& metrics, const PeriodQuestion& question,
                                                    Instant now);
// A clear refusal for what is no period, or no stretch of time.
Metrics<void> check_periods(std::int64_t period, Instant start, Instant end);

}  // namespace holdfast::api::operations
