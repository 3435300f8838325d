#include "api/search/job_record.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "api/protocol.hpp"
#include "api/tag_change.hpp"
#include "api/training_job_description.hpp"
#include "job/codec.hpp"

namespace holdfast::api::search {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 7> kOutcome{
    "SecondaryStatusTransitions", "ModelArtifacts",       "FailureReason", "TrainingStartTime", "TrainingEndTime",
    "TrainingTimeInSeconds",      "BillableTimeInSeconds"};
// Members of Describe that the record of a search does not have.
constexpr std::array<const char*, 2> kOnlyDescribed{"ProfilerConfig", "ProfilerRuleConfigurations"};

Result<job::Job> decode(const ports::StoredRow& row) {
  auto spec = job::decode_spec(row.spec);
  if (!spec) return fail(spec.error());
  return job::decode_job(row.job, std::make_shared<const job::JobSpec>(std::move(*spec)));
}

const json* find(const json& object, const std::string& name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

JobRecord::JobRecord(const ports::StoredRow& row, ports::Telemetry& telemetry)
    : row_(row), telemetry_(telemetry), columns_{{"TrainingJobName", row.summary.name.value},
                                                 {"TrainingJobArn", row.summary.arn},
                                                 {"TrainingJobStatus", row.summary.primary},
                                                 {"SecondaryStatus", row.summary.secondary},
                                                 {"CreationTime", to_wire_time(row.summary.created)},
                                                 {"LastModifiedTime", to_wire_time(row.summary.modified)}} {}

const json* JobRecord::member(const std::string& name) const {
  if (const json* column = find(columns_, name)) return column;
  if (name == "Tags") {
    if (!tags_) tags_ = to_json(row_.origin.tags);
    return tags_->empty() ? nullptr : &*tags_;
  }
  if (name == "FinalMetricDataList") {
    if (!metrics_) metrics_ = row_.summary.ended ? describe_metrics(row_.summary.name, telemetry_) : json::array();
    return metrics_->empty() ? nullptr : &*metrics_;
  }
  const bool of_outcome = std::find(kOutcome.begin(), kOutcome.end(), name) != kOutcome.end();
  return find(of_outcome ? outcome() : request(), name);
}

const json& JobRecord::request() const {
  if (!request_) {
    request_ = json::parse(row_.origin.request, nullptr, false);
    if (!request_->is_object()) request_ = json::object();
  }
  return *request_;
}

const json& JobRecord::outcome() const {
  if (!outcome_) outcome_ = job() ? describe_outcome(*job()) : json::object();
  return *outcome_;
}

const job::Job* JobRecord::job() const {
  if (!job_) {
    auto decoded = decode(row_);
    if (!decoded) return nullptr;
    job_ = std::move(*decoded);
  }
  return &*job_;
}

Result<json> whole_record(const ports::StoredRow& row, ports::Telemetry& telemetry) {
  auto job = decode(row);
  if (!job) return fail(job.error());
  auto described = describe_job({std::move(*job), row.origin}, telemetry);
  if (!described) return described;
  for (const char* member : kOnlyDescribed) described->erase(member);
  if (!row.origin.tags.empty()) (*described)["Tags"] = to_json(row.origin.tags);
  return described;
}

}  // namespace holdfast::api::search
