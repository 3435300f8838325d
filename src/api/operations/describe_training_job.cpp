// The request as it was accepted, and beside it what became of it.
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/training_job.hpp"
#include "job/summary.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

json transitions_of(const job::Job& job) {
  json list = json::array();
  for (const auto& transition : job.transitions) {
    json entry = {{"Status", to_string(transition.status)},
                  {"StartTime", to_wire_time(transition.start)},
                  {"StatusMessage", transition.message}};
    // The last entry of a finished job ends when it starts.
    const bool last_of_ended = job::is_ended(job) && &transition == &job.transitions.back();
    if (transition.end || last_of_ended)
      entry["EndTime"] = to_wire_time(transition.end ? *transition.end : transition.start);
    list.push_back(std::move(entry));
  }
  return list;
}

// MetricData.Value is a 32-bit float on the wire. JSON has no NaN, so a metric that ended as one is not shown.
json final_metrics(const std::vector<ports::MetricValue>& metrics) {
  json list = json::array();
  for (const auto& metric : metrics) {
    const auto value = static_cast<float>(metric.value);
    if (!std::isfinite(value)) continue;
    list.push_back({{"MetricName", metric.name},
                    {"Value", static_cast<double>(value)},
                    {"Timestamp", metric.timestamp_ms / 1000}});
  }
  return list;
}

void add_outcome(json& answer, const job::Job& job, const job::Summary& summary) {
  const auto time = [&](const char* member, const std::optional<Instant>& at) {
    if (at) answer[member] = to_wire_time(*at);
  };
  time("TrainingStartTime", summary.training_start);
  time("TrainingEndTime", summary.training_end);
  if (summary.training_seconds) answer["TrainingTimeInSeconds"] = *summary.training_seconds;
  if (summary.billable_seconds) answer["BillableTimeInSeconds"] = *summary.billable_seconds;
  if (!summary.failure_reason.empty()) answer["FailureReason"] = summary.failure_reason;
  answer["CreationTime"] = to_wire_time(job.created);
  answer["LastModifiedTime"] = to_wire_time(summary.last_modified);
}

}  // namespace

void describe_training_job(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::describe_training_job_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const JobName name{call.request.at("TrainingJobName").get<std::string>()};
  const auto stored = call.backends.store.find(name);
  if (!stored) return answer(tl::unexpected(to_api_error(stored.error())));
  const job::Job& job = stored->job;
  json described = json::parse(stored->origin.request, nullptr, false);
  if (!described.is_object()) {
    return answer(tl::unexpected(
        to_api_error({Kind::permanent, "the stored request of job '" + name.value + "' is not a JSON object"})));
  }
  described.erase("Tags");  // SageMaker shows them through ListTags only
  const auto summary = job::summarize(job);
  described["TrainingJobArn"] = job.spec->arn;
  described["TrainingJobStatus"] = to_string(summary.primary);
  described["SecondaryStatus"] = to_string(summary.secondary);
  described["SecondaryStatusTransitions"] = transitions_of(job);
  described["ModelArtifacts"] = {{"S3ModelArtifacts", job.spec->output_path + "/" + name.value + "/output/" +
                                                          (job.spec->archive_model ? "model.tar.gz" : "model/")}};
  add_outcome(described, job, summary);
  if (job::is_ended(job)) {
    if (json metrics = final_metrics(call.backends.telemetry.last_metrics(name)); !metrics.empty())
      described["FinalMetricDataList"] = std::move(metrics);
  }
  answer(dump(described));
}

}  // namespace holdfast::api::operations
