#include "api/training_job_description.hpp"

#include <fmt/format.h>

#include <cmath>

#include "api/json_text.hpp"
#include "api/protocol.hpp"
#include "job/summary.hpp"

namespace holdfast::api {

using nlohmann::json;

namespace {

void write_transitions(const job::Job& job, JsonText& out) {
  out.key("SecondaryStatusTransitions");
  out.begin_array();
  for (const auto& transition : job.transitions) {
    out.begin_object();
    out.member("Status", to_string(transition.status));
    out.member("StartTime", to_wire_time(transition.start));
    out.member("StatusMessage", transition.message);
    // The last entry of a finished job ends when it starts.
    const bool last_of_ended = job::is_ended(job) && &transition == &job.transitions.back();
    if (transition.end || last_of_ended)
      out.member("EndTime", to_wire_time(transition.end ? *transition.end : transition.start));
    out.end_object();
  }
  out.end_array();
}

void write_model_artifacts(const job::JobSpec& spec, JsonText& out) {
  out.key("ModelArtifacts");
  out.begin_object();
  out.member("S3ModelArtifacts", fmt::format("{}/{}/output/{}", spec.output_path, spec.name.value,
                                             spec.archive_model ? "model.tar.gz" : "model/"));
  out.end_object();
}

// Its names are none of the request's.
void write_outcome(const job::Job& job, JsonText& out) {
  const auto summary = job::summarize(job);
  out.member("TrainingJobArn", job.spec->arn);
  out.member("TrainingJobStatus", to_string(summary.primary));
  out.member("SecondaryStatus", to_string(summary.secondary));
  write_transitions(job, out);
  write_model_artifacts(*job.spec, out);
  out.member("CreationTime", to_wire_time(job.created));
  out.member("LastModifiedTime", to_wire_time(summary.last_modified));
  if (summary.training_start) out.member("TrainingStartTime", to_wire_time(*summary.training_start));
  if (summary.training_end) out.member("TrainingEndTime", to_wire_time(*summary.training_end));
  if (summary.training_seconds) out.member("TrainingTimeInSeconds", *summary.training_seconds);
  if (summary.billable_seconds) out.member("BillableTimeInSeconds", *summary.billable_seconds);
  if (!summary.failure_reason.empty()) out.member("FailureReason", summary.failure_reason);
}

tl::unexpected<Error> no_object(const ports::StoredJob& stored) {
  return fail(Kind::permanent, "the stored request of job '{}' is not a JSON object", stored.job.spec->name.value);
}

}  // namespace

json describe_outcome(const job::Job& job) {
  JsonText out;
  out.begin_object();
  write_outcome(job, out);
  out.end_object();
  return json::parse(out.take());
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
  described.update(describe_outcome(stored.job));
  if (!job::is_ended(stored.job)) return described;
  if (json metrics = describe_metrics(stored.job.spec->name, telemetry); !metrics.empty())
    described["FinalMetricDataList"] = std::move(metrics);
  return described;
}

Result<std::string> description_text(const ports::StoredJob& stored, ports::Telemetry& telemetry) {
  const std::string& request = stored.origin.request;
  if (request.size() < 2 || request.front() != '{' || request.back() != '}') return no_object(stored);
  JsonText out;
  out.begin_object();
  write_outcome(stored.job, out);
  if (job::is_ended(stored.job)) {
    if (const json metrics = describe_metrics(stored.job.spec->name, telemetry); !metrics.empty()) {
      out.key("FinalMetricDataList");
      out.json(dump(metrics));
    }
  }
  out.member("ProfilingStatus", "Disabled");  // whatever was asked for, nothing profiles here
  out.end_object();
  std::string text = out.take();
  if (request.size() == 2) return text;
  text.back() = ',';
  return text.append(request, 1);
}

}  // namespace holdfast::api
