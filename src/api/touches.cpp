#include "api/touches.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "ports/log_store.hpp"

namespace holdfast::api {

namespace {

Touches named_in(const nlohmann::json& request, const char* member) {
  const auto found = request.find(member);
  if (found == request.end() || !found->is_string()) return {Touches::What::account};
  return {Touches::What::jobs, {found->get<std::string>()}};
}

// "TrainingJobName": "<job>", or "Host": "<job>/algo-1".
std::optional<std::string> job_of_dimensions(const nlohmann::json& metric) {
  const auto dimensions = metric.find("Dimensions");
  if (dimensions == metric.end() || !dimensions->is_array()) return std::nullopt;
  for (const auto& dimension : *dimensions) {
    if (!dimension.is_object()) return std::nullopt;
    const auto name = dimension.find("Name"), value = dimension.find("Value");
    const bool of_a_job = name != dimension.end() && (*name == "TrainingJobName" || *name == "Host");
    if (of_a_job && value != dimension.end() && value->is_string()) return value->get<std::string>();
  }
  return std::nullopt;
}

}  // namespace

Touches the_job(const nlohmann::json& request) { return named_in(request, "TrainingJobName"); }

Touches the_tagged_job(const nlohmann::json& request) {
  constexpr std::string_view kJob = ":training-job/";
  auto touched = named_in(request, "ResourceArn");
  if (touched.what != Touches::What::jobs) return touched;
  const auto found = touched.jobs[0].find(kJob);
  if (found == std::string::npos) return {Touches::What::account};
  touched.jobs[0].erase(0, found + kJob.size());
  return touched;
}

Touches what_one_may_see(const nlohmann::json&) { return {Touches::What::nothing}; }

// Streams of trainings are "<job>/algo-1-<epoch>".
Touches the_streams_jobs(const nlohmann::json& request) {
  const auto group = named_in(request, request.contains("logGroupName") ? "logGroupName" : "logGroupIdentifier");
  const bool trainings = group.what == Touches::What::jobs &&
                         (group.jobs[0] == ports::kTrainingLogGroup ||
                          group.jobs[0].ends_with(":log-group:" + std::string(ports::kTrainingLogGroup)));
  if (!trainings) return {Touches::What::account};
  Touches touched{Touches::What::jobs};
  for (const char* member : {"logStreamName", "logStreamNamePrefix"}) {
    if (auto stream = named_in(request, member); stream.what == Touches::What::jobs)
      touched.jobs.push_back(std::move(stream.jobs[0]));
  }
  const auto streams = request.find("logStreamNames");
  if (streams != request.end() && streams->is_array()) {
    for (const auto& stream : *streams) touched.jobs.push_back(stream.is_string() ? stream.get<std::string>() : "");
  }
  return touched.jobs.empty() ? Touches{Touches::What::nothing} : touched;
}

// Expressions say nothing that the queries do not.
Touches the_metrics_jobs(const nlohmann::json& request) {
  Touches touched{Touches::What::jobs};
  const auto queries = request.find("MetricDataQueries");
  if (queries == request.end()) {
    if (auto job = job_of_dimensions(request)) touched.jobs.push_back(std::move(*job));
  } else if (queries->is_array()) {
    for (const auto& query : *queries) {
      if (!query.is_object()) return {Touches::What::account};
      const auto stat = query.find("MetricStat");
      if (stat == query.end()) continue;
      const auto metric = stat->is_object() ? stat->find("Metric") : stat->end();
      auto job =
          stat->is_object() && metric != stat->end() && metric->is_object() ? job_of_dimensions(*metric) : std::nullopt;
      if (!job) return {Touches::What::account};
      touched.jobs.push_back(std::move(*job));
    }
  }
  return touched.jobs.empty() ? Touches{Touches::What::account} : touched;
}

}  // namespace holdfast::api
