#include "api/training_job_description.hpp"

#include <cmath>

#include "api/protocol.hpp"
#include "job/summary.hpp"

namespace holdfast::api {

using nlohmann::json;

namespace {

json transitions_of(const job::Job& job) {
  json list = json::array();
  for (const auto& transition : job.transitions) {
    json entry = json::object();  // one by one: a braced list of pairs is a list of lists first
    entry["Status"] = to_string(transition.status);
    entry["StartTime"] = to_wire_time(transition.start);
    entry["StatusMessage"] = transition.message;
    // The last entry of a finished job ends when it starts.
    const bool last_of_ended = job::is_ended(job) && &transition == &job.transitions.back();
    if (transition.end || last_of_ended)
      entry["EndTime"] = to_wire_time(transition.end ? *transition.end : transition.start);
    list.push_back(std::move(entry));
  }
  return list;
}

json outcome_with_metrics(const ports::StoredJob& stored, ports::Telemetry& telemetry) {
  json outcome = describe_outcome(stored.job);
  if (!job::is_ended(stored.job)) return outcome;
  if (json metrics = describe_metrics(stored.job.spec->name, telemetry); !metrics.empty())
    outcome["FinalMetricDataList"] = std::move(metrics);
  return outcome;
}

tl::unexpected<Error> no_object(const ports::StoredJob& stored) {
  return fail(Kind::permanent, "the stored request of job '{}' is not a JSON object", stored.job.spec->name.value);
}

}  // namespace

// Its names are none of the request's.
json describe_outcome(const job::Job& job) {
  const auto summary = job::summarize(job);
  json answer = {{"TrainingJobArn", job.spec->arn},
                 {"TrainingJobStatus", to_string(summary.primary)},
                 {"SecondaryStatus", to_string(summary.secondary)},
                 {"SecondaryStatusTransitions", transitions_of(job)},
                 {"ModelArtifacts",
                  {{"S3ModelArtifacts", job.spec->output_path + "/" + job.spec->name.value + "/output/" +
                                            (job.spec->archive_model ? "model.tar.gz" : "model/")}}},
                 {"CreationTime", to_wire_time(job.created)},
                 {"LastModifiedTime", to_wire_time(summary.last_modified)}};
  const auto time = [&](const char* member, const std::optional<Instant>& at) {
    if (at) answer[member] = to_wire_time(*at);
  };
  time("TrainingStartTime", summary.training_start);
  time("TrainingEndTime", summary.training_end);
  if (summary.training_seconds) answer["TrainingTimeInSeconds"] = *summary.training_seconds;
  if (summary.billable_seconds) answer["BillableTimeInSeconds"] = *summary.billable_seconds;
  if (!summary.failure_reason.empty()) answer["FailureReason"] = summary.failure_reason;
  return answer;
}

// MetricData.Value is a 32-bit float on the wire. JSON has no NaN, so a metric that ended as one is not shown.
json describe_metrics(const JobName& name, ports::Telemetry& telemetry) {
  json list = json::array();
  for (const auto& metric : telemetry.last_metrics(name)) {
    const auto value = static_cast<float>(metric.value);
    if (!std::isfinite(value)) continue;
    list.push_back({{"MetricName", metric.name},
                    {"Value", static_cast<double>(value)},
                    {"Timestamp", metric.timestamp_ms / 1000}});
  }
  return list;
}

Result<json> describe_job(const ports::StoredJob& stored, ports::Telemetry& telemetry) {
  json described = json::parse(stored.origin.request, nullptr, false);
  if (!described.is_object()) return no_object(stored);
  described.update(outcome_with_metrics(stored, telemetry));
  return described;
}

Result<std::string> description_text(const ports::StoredJob& stored, ports::Telemetry& telemetry) {
  const std::string& request = stored.origin.request;
  if (request.size() < 2 || request.front() != '{' || request.back() != '}') return no_object(stored);
  auto outcome = outcome_with_metrics(stored, telemetry);
  outcome["ProfilingStatus"] = "Disabled";  // whatever was asked for, nothing profiles here
  std::string text = dump(outcome);
  if (request.size() == 2) return text;
  text.back() = ',';
  return text.append(request, 1);
}

}  // namespace holdfast::api
