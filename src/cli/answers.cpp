#include "cli/answers.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace holdfast::cli {

using nlohmann::json;

namespace {

// The wire counts time in seconds with fractions.
Instant instant_of(const json& value) { return from_ms(std::llround(value.get<double>() * 1000)); }

std::optional<Instant> maybe_instant(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  return instant_of(*found);
}

std::optional<std::int64_t> maybe_number(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::string text_in(const json& object, const char* outer, const char* inner) {
  const auto found = object.find(outer);
  return found == object.end() ? "" : found->value(inner, "");
}

}  // namespace

bool is_over(const JobAnswer& job) {
  return job.status == "Completed" || job.status == "Failed" || job.status == "Stopped";
}

int interruptions(const JobAnswer& job) {
  return static_cast<int>(std::count_if(job.visits.begin(), job.visits.end(),
                                        [](const StatusVisit& visit) { return visit.status == "Interrupted"; }));
}

Result<JobAnswer> parse_job(const json& answer) {
  try {
    JobAnswer job;
    job.name = answer.at("TrainingJobName");
    job.status = answer.at("TrainingJobStatus");
    job.secondary = answer.value("SecondaryStatus", job.status);
    job.failure_reason = answer.value("FailureReason", "");
    job.image = text_in(answer, "AlgorithmSpecification", "TrainingImage");
    job.instance_type = text_in(answer, "ResourceConfig", "InstanceType");
    job.checkpoint = text_in(answer, "CheckpointConfig", "S3Uri");
    job.model = text_in(answer, "ModelArtifacts", "S3ModelArtifacts");
    job.spot = answer.value("EnableManagedSpotTraining", false);
    job.created = instant_of(answer.at("CreationTime"));
    job.started = maybe_instant(answer, "TrainingStartTime");
    job.ended = maybe_instant(answer, "TrainingEndTime");
    job.training_seconds = maybe_number(answer, "TrainingTimeInSeconds");
    job.billable_seconds = maybe_number(answer, "BillableTimeInSeconds");
    for (const json& visit : answer.value("SecondaryStatusTransitions", json::array()))
      job.visits.push_back({visit.at("Status"), instant_of(visit.at("StartTime")), maybe_instant(visit, "EndTime"),
                            visit.value("StatusMessage", "")});
    for (const json& metric : answer.value("FinalMetricDataList", json::array()))
      job.final_metrics.emplace_back(metric.at("MetricName"), metric.at("Value"));
    return job;
  } catch (const json::exception& error) {
    return fail(Kind::permanent, "reading DescribeTrainingJob's answer: {}", error.what());
  }
}

Result<json> describe_as_json(Service& service, const std::string& job) {
  auto answer = service.call("SageMaker.DescribeTrainingJob", {{"TrainingJobName", job}});
  if (!answer && answer.error().kind == Kind::not_found)
    return fail(answer.error(), "there is no training job '{}' (`holdfast jobs` lists them)", job);
  return answer;
}

Result<JobAnswer> describe(Service& service, const std::string& job) {
  const auto answer = describe_as_json(service, job);
  if (!answer) return fail(answer.error());
  return parse_job(*answer);
}

std::string final_summary(const JobAnswer& job) {
  std::string text;
  if (!job.failure_reason.empty()) text += fmt::format("Failure reason: {}\n", job.failure_reason);
  if (job.training_seconds) text += fmt::format("Training seconds: {}\n", *job.training_seconds);
  if (job.billable_seconds) text += fmt::format("Billable seconds: {}\n", *job.billable_seconds);
  if (job.spot && job.billable_seconds && job.training_seconds && *job.training_seconds > 0)
    text += fmt::format(
        "Managed Spot Training savings: {:.1f}%\n",
        (1 - static_cast<double>(*job.billable_seconds) / static_cast<double>(*job.training_seconds)) * 100);
  if (job.spot) text += fmt::format("Interruptions: {}\n", interruptions(job));
  for (const auto& [name, value] : job.final_metrics) text += fmt::format("Metric {}: {:.6g}\n", name, value);
  if (job.status == "Completed" && !job.model.empty()) text += fmt::format("Model: {}\n", job.model);
  return text;
}

int exit_code(const JobAnswer& job) {
  if (job.status == "Failed") return kExitJobFailed;
  if (job.status == "Stopped") return kExitJobStopped;
  return kExitDone;
}

}  // namespace holdfast::cli
