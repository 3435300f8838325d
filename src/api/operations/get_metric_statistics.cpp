// Statistics of one metric, period by period: one datapoint for each period that has values, and for each unit.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/operations/metric_requests.hpp"
#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/cloudwatch.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr std::int64_t kMaxDatapoints = 1440;

struct Wanted {
  std::string name;
  metrics::Statistic statistic;
};

Metrics<std::vector<Wanted>> wanted(const json& request) {
  const bool plain = request.contains("Statistics");
  if (plain == request.contains("ExtendedStatistics")) {
    return plain ? Metrics<std::vector<Wanted>>(
                       invalid_combination("The parameters Statistics and ExtendedStatistics are mutually exclusive."))
                 : missing_parameter("One of the parameters Statistics and ExtendedStatistics is required.");
  }
  std::vector<Wanted> all;
  for (const auto& name : request.at(plain ? "Statistics" : "ExtendedStatistics")) {
    const auto statistic = metrics::parse_statistic(name.get<std::string>());
    if (!statistic) return invalid_value(statistic.error().message);
    if (!plain && !statistic->is_extended())
      return invalid_value(fmt::format("{} belongs into Statistics.", name.get<std::string>()));
    all.push_back({name.get<std::string>(), *statistic});
  }
  return all;
}

Metrics<PeriodQuestion> question_of(const json& request) {
  auto metric = metric_of(request, "");
  if (!metric) return tl::unexpected(metric.error());
  const auto period = request.at("Period").get<std::int64_t>();
  PeriodQuestion question{std::move(*metric), request.value("Unit", ""), seconds{period},
                          to_instant(request.at("StartTime").get<double>()),
                          to_instant(request.at("EndTime").get<double>())};
  if (auto checked = check_periods(period, question.start, question.end); !checked)
    return tl::unexpected(checked.error());
  const auto length = std::chrono::ceil<seconds>(question.end - question.start).count();
  const auto datapoints = (length + period - 1) / period;
  if (datapoints > kMaxDatapoints) {
    return invalid_combination(
        fmt::format("You have requested up to {} datapoints, which exceeds the limit of 1,440. You may reduce the "
                    "datapoints requested by increasing Period, or decreasing the time range.",
                    datapoints));
  }
  return question;
}

json datapoint_of(const metrics::Point& point, const std::string& unit, const std::vector<Wanted>& statistics) {
  json datapoint = {{"Timestamp", to_wire_time(point.at)}, {"Unit", unit}};
  for (const auto& [name, statistic] : statistics) {
    const auto value = metrics::value_of(point.bucket, statistic);
    if (!value) continue;
    (statistic.is_extended() ? datapoint["ExtendedStatistics"] : datapoint)[name] = *value;
  }
  return datapoint;
}

}  // namespace

void get_metric_statistics(const Call& call, Answer answer) {
  const json request = without_nulls(call.request);
  if (auto valid = validate(request, shapes::get_metric_statistics_input()); !valid)
    return answer(tl::unexpected(in_words_of_cloudwatch(valid.error())));
  const auto statistics = wanted(request);
  if (!statistics) return answer(tl::unexpected(statistics.error()));
  const auto question = question_of(request);
  if (!question) return answer(tl::unexpected(question.error()));
  const auto read = read_periods(call.backends.metrics, *question, call.backends.clock.now());
  if (!read) return answer(tl::unexpected(to_api_error(read.error())));
  json datapoints = json::array();
  for (const auto& [unit, points] : *read)
    for (const auto& point : points) datapoints.push_back(datapoint_of(point, unit, *statistics));
  answer(dump({{"Label", question->metric.name}, {"Datapoints", std::move(datapoints)}}));
}

}  // namespace holdfast::api::operations
