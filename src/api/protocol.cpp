#include "api/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/shapes/cloudwatch.hpp"
#include "api/shapes/identity.hpp"
#include "api/touches.hpp"
#include "base/log.hpp"

namespace holdfast::api {

namespace {

namespace op = operations;

constexpr auto kUser = Caller::user;
constexpr auto kRead = Access::read;
constexpr auto kWrite = Access::write;
constexpr std::array kOperations = {
    OperationEntry{"SageMaker.CreateTrainingJob", "sagemaker", kUser, op::create_training_job, kWrite, the_job},
    OperationEntry{"SageMaker.DescribeTrainingJob", "sagemaker", kUser, op::describe_training_job, kRead, the_job},
    OperationEntry{"SageMaker.ListTrainingJobs", "sagemaker", kUser, op::list_training_jobs, kRead, what_one_may_see},
    OperationEntry{"SageMaker.StopTrainingJob", "sagemaker", kUser, op::stop_training_job, kWrite, the_job},
    OperationEntry{"SageMaker.UpdateTrainingJob", "sagemaker", kUser, op::update_training_job, kWrite, the_job},
    OperationEntry{"SageMaker.DeleteTrainingJob", "sagemaker", kUser, op::delete_training_job, kWrite, the_job},
    OperationEntry{"SageMaker.CreateAlgorithm", "sagemaker", kUser, op::create_algorithm, kWrite},
    OperationEntry{"SageMaker.DescribeAlgorithm", "sagemaker", kUser, op::describe_algorithm, kRead, what_one_may_see},
    OperationEntry{"SageMaker.ListAlgorithms", "sagemaker", kUser, op::list_algorithms, kRead, what_one_may_see},
    OperationEntry{"SageMaker.DeleteAlgorithm", "sagemaker", kUser, op::delete_algorithm, kWrite},
    OperationEntry{"SageMaker.AddTags", "sagemaker", kUser, op::add_tags, kWrite, the_tagged_job},
    OperationEntry{"SageMaker.ListTags", "sagemaker", kUser, op::list_tags, kRead, the_tagged_job},
    OperationEntry{"SageMaker.DeleteTags", "sagemaker", kUser, op::delete_tags, kWrite, the_tagged_job},
    OperationEntry{"SageMaker.Search", "sagemaker", kUser, op::search, kRead, what_one_may_see},
    OperationEntry{"SageMaker.GetSearchSuggestions", "sagemaker", kUser, op::get_search_suggestions, kRead,
                   what_one_may_see},
    OperationEntry{"Holdfast.DescribeTrainingRun", "sagemaker", kUser, op::describe_training_run, kRead, the_job},
    OperationEntry{"Holdfast.InterruptTrainingJob", "sagemaker", kUser, op::interrupt_training_job, kWrite, the_job},
    OperationEntry{"Logs_20140328.CreateLogGroup", "logs", kUser, op::create_log_group, kWrite},
    OperationEntry{"Logs_20140328.DeleteLogGroup", "logs", kUser, op::delete_log_group, kWrite},
    OperationEntry{"Logs_20140328.DescribeLogGroups", "logs", kUser, op::describe_log_groups, kRead},
    OperationEntry{"Logs_20140328.ListLogGroups", "logs", kUser, op::list_log_groups, kRead},
    OperationEntry{"Logs_20140328.CreateLogStream", "logs", kUser, op::create_log_stream, kWrite},
    OperationEntry{"Logs_20140328.DeleteLogStream", "logs", kUser, op::delete_log_stream, kWrite},
    OperationEntry{"Logs_20140328.DescribeLogStreams", "logs", kUser, op::describe_log_streams, kRead,
                   the_streams_jobs},
    OperationEntry{"Logs_20140328.PutLogEvents", "logs", kUser, op::put_log_events, kWrite},
    OperationEntry{"Logs_20140328.GetLogEvents", "logs", kUser, op::get_log_events, kRead, the_streams_jobs},
    OperationEntry{"Logs_20140328.FilterLogEvents", "logs", kUser, op::filter_log_events, kRead, the_streams_jobs},
    OperationEntry{"Logs_20140328.PutRetentionPolicy", "logs", kUser, op::put_retention_policy, kWrite},
    OperationEntry{"Logs_20140328.DeleteRetentionPolicy", "logs", kUser, op::delete_retention_policy, kWrite},
    OperationEntry{"Logs_20140328.ListTagsLogGroup", "logs", kUser, op::list_tags_log_group, kRead},
    OperationEntry{"Logs_20140328.TagLogGroup", "logs", kUser, op::tag_log_group, kWrite},
    OperationEntry{"Logs_20140328.UntagLogGroup", "logs", kUser, op::untag_log_group, kWrite},
    OperationEntry{"Logs_20140328.ListTagsForResource", "logs", kUser, op::list_tags_for_log_resource, kRead},
    OperationEntry{"Logs_20140328.TagResource", "logs", kUser, op::tag_log_resource, kWrite},
    OperationEntry{"Logs_20140328.UntagResource", "logs", kUser, op::untag_log_resource, kWrite},
    OperationEntry{"GraniteServiceVersion20100801.PutMetricData", "monitoring", kUser, op::put_metric_data, kWrite,
                   nullptr, shapes::put_metric_data_input},
    OperationEntry{"GraniteServiceVersion20100801.GetMetricStatistics", "monitoring", kUser, op::get_metric_statistics,
                   kRead, the_metrics_jobs, shapes::get_metric_statistics_input, shapes::get_metric_statistics_output},
    OperationEntry{"GraniteServiceVersion20100801.GetMetricData", "monitoring", kUser, op::get_metric_data, kRead,
                   the_metrics_jobs, shapes::get_metric_data_input, shapes::get_metric_data_output},
    OperationEntry{"GraniteServiceVersion20100801.ListMetrics", "monitoring", kUser, op::list_metrics, kRead,
                   the_metrics_jobs, shapes::list_metrics_input, shapes::list_metrics_output},
    OperationEntry{"AWSSecurityTokenServiceV20110615.GetCallerIdentity", "sts", kUser, op::get_caller_identity, kRead,
                   what_one_may_see, shapes::get_caller_identity_input, shapes::get_caller_identity_output},
    OperationEntry{"AWSIdentityManagementV20100508.GetRole", "iam", kUser, op::get_role, kRead, what_one_may_see,
                   shapes::get_role_input, shapes::get_role_output},
    OperationEntry{"Holdfast.AgentReport", "", Caller::agent, op::agent_report},
    OperationEntry{"Holdfast.AgentWait", "", Caller::agent, op::agent_wait},
};

}  // namespace

tl::expected<void, ApiError> authorize(const OperationEntry& entry, const nlohmann::json& request,
                                       const Principal& principal) {
  const auto touched = entry.touched_by ? entry.touched_by(request) : Touches{};
  if (allows(principal.policy, entry.access, touched)) return {};
  // IAM's prefix is the name that the service signs with, but for CloudWatch.
  const auto prefix = entry.service == "monitoring" ? "cloudwatch" : entry.service;
  const auto action = fmt::format("{}:{}", prefix, entry.target.substr(entry.target.find('.') + 1));
  return tl::unexpected(not_authorized(
      principal.name, action, touched.jobs.empty() ? "*" : fmt::format("training-job/{}", touched.jobs.front())));
}

const OperationEntry* find_operation(std::string_view target) {
  const auto found = std::find_if(kOperations.begin(), kOperations.end(),
                                  [&](const OperationEntry& entry) { return entry.target == target; });
  return found == kOperations.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const job::JobSpec>> SpecCache::get(const JobName& name, Fence fence) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = specs_.find({name, fence}); found != specs_.end()) return found->second;
  }
  auto stored = store_.find(name);
  if (!stored) return fail(stored.error());
  const std::lock_guard lock(mutex_);
  // Every running job comes back with its next report, so starting over is cheap and needs no bookkeeping of ages.
  if (specs_.size() >= kMaxRememberedSpecs) specs_.clear();
  specs_.insert_or_assign({name, fence}, stored->job.spec);
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
