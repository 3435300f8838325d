#include "api/protocol.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/shapes/cloudwatch.hpp"
#include "api/shapes/identity.hpp"
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
    OperationEntry{"Logs_20140328.DescribeLogStreams", "logs", Caller::user, op::describe_log_streams},
    OperationEntry{"Logs_20140328.GetLogEvents", "logs", Caller::user, op::get_log_events},
    OperationEntry{"GraniteServiceVersion20100801.PutMetricData", "monitoring", Caller::user, op::put_metric_data,
                   shapes::put_metric_data_input},
    OperationEntry{"GraniteServiceVersion20100801.GetMetricStatistics", "monitoring", Caller::user,
                   op::get_metric_statistics, shapes::get_metric_statistics_input,
                   shapes::get_metric_statistics_output},
    OperationEntry{"GraniteServiceVersion20100801.GetMetricData", "monitoring", Caller::user, op::get_metric_data,
                   shapes::get_metric_data_input, shapes::get_metric_data_output},
    OperationEntry{"GraniteServiceVersion20100801.ListMetrics", "monitoring", Caller::user, op::list_metrics,
                   shapes::list_metrics_input, shapes::list_metrics_output},
    OperationEntry{"AWSSecurityTokenServiceV20110615.GetCallerIdentity", "sts", Caller::user, op::get_caller_identity,
                   shapes::get_caller_identity_input, shapes::get_caller_identity_output},
    OperationEntry{"AWSIdentityManagementV20100508.GetRole", "iam", Caller::user, op::get_role, shapes::get_role_input,
                   shapes::get_role_output},
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
