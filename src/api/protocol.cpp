#include "api/protocol.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "base/log.hpp"

namespace holdfast::api {

namespace {

namespace op = operations;

constexpr std::array kOperations = {
    OperationEntry{"SageMaker.CreateTrainingJob", "sagemaker", Caller::user, op::create_training_job},
    OperationEntry{"SageMaker.DescribeTrainingJob", "sagemaker", Caller::user, op::describe_training_job},
    OperationEntry{"SageMaker.ListTrainingJobs", "sagemaker", Caller::user, op::list_training_jobs},
    OperationEntry{"SageMaker.StopTrainingJob", "sagemaker", Caller::user, op::stop_training_job},
    OperationEntry{"Holdfast.DescribeTrainingRun", "sagemaker", Caller::user, op::describe_training_run},
    OperationEntry{"Holdfast.InterruptTrainingJob", "sagemaker", Caller::user, op::interrupt_training_job},
    OperationEntry{"Logs_20140328.CreateLogGroup", "logs", Caller::user, op::create_log_group},
    OperationEntry{"Logs_20140328.DeleteLogGroup", "logs", Caller::user, op::delete_log_group},
    OperationEntry{"Logs_20140328.DescribeLogGroups", "logs", Caller::user, op::describe_log_groups},
    OperationEntry{"Logs_20140328.CreateLogStream", "logs", Caller::user, op::create_log_stream},
    OperationEntry{"Logs_20140328.DeleteLogStream", "logs", Caller::user, op::delete_log_stream},
    OperationEntry{"Logs_20140328.DescribeLogStreams", "logs", Caller::user, op::describe_log_streams},
    OperationEntry{"Logs_20140328.PutLogEvents", "logs", Caller::user, op::put_log_events},
    OperationEntry{"Logs_20140328.GetLogEvents", "logs", Caller::user, op::get_log_events},
    OperationEntry{"Logs_20140328.FilterLogEvents", "logs", Caller::user, op::filter_log_events},
    OperationEntry{"Logs_20140328.PutRetentionPolicy", "logs", Caller::user, op::put_retention_policy},
    OperationEntry{"Logs_20140328.DeleteRetentionPolicy", "logs", Caller::user, op::delete_retention_policy},
    OperationEntry{"Logs_20140328.ListTagsLogGroup", "logs", Caller::user, op::list_tags_log_group},
    OperationEntry{"Logs_20140328.TagLogGroup", "logs", Caller::user, op::tag_log_group},
    OperationEntry{"Logs_20140328.UntagLogGroup", "logs", Caller::user, op::untag_log_group},
    OperationEntry{"Holdfast.AgentReport", "", Caller::agent, op::agent_report},
    OperationEntry{"Holdfast.AgentWait", "", Caller::agent, op::agent_wait},
};

}  // namespace

const OperationEntry* find_operation(std::string_view target) {
  const auto found = std::find_if(kOperations.begin(), kOperations.end(),
                                  [&](const OperationEntry& entry) { return entry.target == target; });
  return found == kOperations.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const job::JobSpec>> SpecCache::get(const JobName& name) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = specs_.find(name); found != specs_.end()) return found->second;
  }
  auto stored = store_.find(name);
  if (!stored) return fail(stored.error());
  const std::lock_guard lock(mutex_);
  // Every running job comes back with its next report, so starting over is cheap and needs no bookkeeping of ages.
  if (specs_.size() >= kMaxRememberedSpecs) specs_.clear();
  specs_.insert_or_assign(name, stored->job.spec);
  return stored->job.spec;
}

ApiError to_api_error(const Error& error) {
  switch (error.kind) {
    case Kind::not_found:
      return requested_resource_not_found();
    case Kind::invalid:
      return validation(error.message);
    case Kind::try_again:
    case Kind::no_space:
      log_warn("a request was put off: {}", error.message);
      return service_unavailable(error.message);
    case Kind::conflict:
    case Kind::permanent:
      break;
  }
  log_error("a request failed: {}", error.message);
  return internal_failure();
}

std::string dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

double to_wire_time(Instant at) { return static_cast<double>(to_ms(at)) / 1000.0; }

}  // namespace holdfast::api
