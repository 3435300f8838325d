// Our shapes against the facts of botocore's model (tests/api/model, written by extract.py): every difference must be
// one that we meant, and every meant difference must still be one.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "api/shapes/algorithm.hpp"
#include "api/shapes/cloudwatch.hpp"
#include "api/shapes/logs.hpp"
#include "api/shapes/search.hpp"
#include "api/shapes/tagging.hpp"
#include "api/shapes/training_job.hpp"
#include "base/overload.hpp"

namespace holdfast::api {
namespace {

using nlohmann::json;
using Differences = std::map<std::string, std::string>;

// Where ours differ, and why.
const Differences kDeviations = {
    {"CreateTrainingJob.AlgorithmSpecification.ContainerEntrypoint max: 100, model 10", "newer models allow 100"},
    {"CreateTrainingJob.Environment max: 100, model 48", "newer models allow 100"},
    {"CreateTrainingJob.ResourceConfig.KeepAlivePeriodInSeconds max: 21600, model 3600", "newer models allow 21600"},
    {"CreateTrainingJob.ResourceConfig.VolumeSizeInGB: not required", "newer models do not require it"},
    {"CreateTrainingJob.ResourceConfig.VolumeSizeInGB min: 0, model 1", "newer models allow 0"},
    {"CreateTrainingJob.ResourceConfig.InstanceType: also other values", "newer types exist, and any may be a pool"},
    {"CreateTrainingJob.ResourceConfig.InstanceGroups[].InstanceType: also other values", "newer types exist"},
    {"CreateTrainingJob.DebugRuleConfigurations[].InstanceType: also other values", "newer types exist; only echoed"},
    {"CreateTrainingJob.ProfilerRuleConfigurations[].InstanceType: also other values",
     "newer types exist; only echoed"},
    {"CreateTrainingJob.OutputDataConfig.CompressionType: not in the model", "newer; GZIP is what happens anyway"},
    {"CreateTrainingJob.InfraCheckConfig: not in the model", "newer; there is nothing to check, so it does no harm"},
    {"CreateTrainingJob.SessionChainingConfig: not in the model", "newer; there are no sessions, so it does no harm"},
    {"CreateTrainingJob.AlgorithmSpecification.TrainingImageConfig: unsupported", "newer; refused with advice"},
    {"CreateTrainingJob.InputDataConfig[].DataSource.DatasetSource: unsupported", "newer; refused with advice"},
    {"CreateTrainingJob.InputDataConfig[].DataSource.S3DataSource.HubAccessConfig: unsupported", "newer; refused"},
    {"CreateTrainingJob.InputDataConfig[].DataSource.S3DataSource.ModelAccessConfig: unsupported", "newer; refused"},
    {"CreateTrainingJob.ResourceConfig.TrainingPlanArn: unsupported", "newer; refused with advice"},
    {"CreateTrainingJob.ResourceConfig.InstancePlacementConfig: unsupported", "newer; refused with advice"},
    {"CreateTrainingJob.ResourceConfig.InstancePreferences: unsupported", "newer; refused with advice"},
    {"CreateTrainingJob.StoppingCondition.MaxPendingTimeInSeconds: unsupported", "newer; a limit we would not keep"},
    {"CreateTrainingJob.RemoteDebugConfig: unsupported", "newer; refused with advice"},
    {"CreateTrainingJob.ServerlessJobConfig: unsupported", "newer; refused with advice"},
    {"CreateTrainingJob.MlflowConfig: unsupported", "newer; refused with advice"},
    {"CreateTrainingJob.ModelPackageConfig: unsupported", "newer; refused with advice"},
    {"ListTrainingJobs.TrainingPlanArnEquals: unsupported", "newer; refused with advice"},
    {"UpdateTrainingJob.RemoteDebugConfig: unsupported", "newer; refused with advice"},
    {"UpdateTrainingJob.ResourceConfig.KeepAlivePeriodInSeconds max: 21600, model 3600", "newer models allow 21600"},
    {"UpdateTrainingJob.ProfilerRuleConfigurations[].InstanceType: also other values", "newer types; only echoed"},
    {"Search.CrossAccountFilterOption: unsupported", "newer; refused with advice"},
    {"Search.VisibilityConditions: unsupported", "newer; refused with advice"},
    {"CreateAlgorithm.ValidationSpecification.ValidationProfiles[].TransformJobDefinition.TransformResources."
     "InstanceType: "
     "also other values",
     "newer types exist; only echoed"},
    {"CreateAlgorithm.TrainingSpecification.AdditionalS3DataSource: unsupported", "newer; refused with advice"},
    {"CreateAlgorithm.TrainingSpecification.SupportedTrainingInstanceTypes[]: also other values", "newer types exist"},
    {"CreateAlgorithm.InferenceSpecification.SupportedTransformInstanceTypes[]: also other values",
     "newer types exist; only echoed"},
    {"CreateAlgorithm.InferenceSpecification.SupportedRealtimeInferenceInstanceTypes[]: also other values",
     "newer types exist; only echoed"},
};

// The parts of a training job are the same in an algorithm's validation profile.
std::string where_it_is_explained(const std::string& difference) {
  const std::string profile = "CreateAlgorithm.ValidationSpecification.ValidationProfiles[].TrainingJobDefinition.";
  return difference.starts_with(profile) ? "CreateTrainingJob." + difference.substr(profile.size()) : difference;
}

// Of CloudWatch Logs' inputs.
const Differences kLogsDeviations = {
    {"CreateLogGroup.kmsKeyId: unsupported", "refused with advice"},
    {"CreateLogGroup.logGroupClass: unsupported", "newer; STANDARD is accepted, others are refused with advice"},
    {"CreateLogGroup.deletionProtectionEnabled: unsupported", "newer; false is accepted, true refused with advice"},
    {"DescribeLogGroups.logGroupClass: not in the model", "newer"},
    {"DescribeLogGroups.logGroupIdentifiers: not in the model", "newer"},
    {"PutLogEvents.entity: not in the model", "newer; a hint, ignored"},
    {"DescribeLogGroups.nextToken max: 8192, model null", "no token that was ever given is longer"},
    {"DescribeLogStreams.nextToken max: 8192, model null", "no token that was ever given is longer"},
    {"FilterLogEvents.nextToken max: 8192, model null", "no token that was ever given is longer"},
    {"GetLogEvents.nextToken max: 8192, model null", "no token that was ever given is longer"},
    {"PutLogEvents.sequenceToken max: 8192, model null", "no token that was ever given is longer"},
    {"DescribeLogStreams.logGroupName: not required",
     "newer clients may give logGroupIdentifier instead; one of them is"},
    {"GetLogEvents.logGroupName: not required", "newer clients may give logGroupIdentifier instead; one of them is"},
    {"FilterLogEvents.logGroupName: not required", "newer clients may give logGroupIdentifier instead; one of them is"},
};

// Of CloudWatch's.
const Differences kMetricsDeviations = {
    {"PutMetricData.MetricData min: 1, model null", "documented"},
    {"PutMetricData.MetricData max: 1000, model null", "documented"},
    {"PutMetricData.MetricData[].Values max: 150, model null", "documented"},
    {"PutMetricData.MetricData[].Counts max: 150, model null", "documented"},
    {"PutMetricData.EntityMetricData: unsupported", "newer; refused with advice"},
    {"PutMetricData.StrictEntityValidation: not in the model", "newer; without entities it does no harm"},
    {"GetMetricData.MetricDataQueries max: 500, model null", "documented"},
    {"GetMetricData.MetricDataQueries[].Id pattern: ^[a-z][a-zA-Z0-9_]*$", "documented"},
    {"GetMetricData.MetricDataQueries[].AccountId: unsupported", "refused with advice"},
    {"GetMetricData.MaxDatapoints min: 1, model null", "a page without room would never end"},
    {"GetMetricData.MaxDatapoints max: 100800, model null", "documented"},
    {"GetMetricData.LabelOptions.Timezone pattern: [+-]\\d{2}:?\\d{2}", "documented"},
    {"ListMetrics.OwningAccount: unsupported", "refused with advice"},
};

class Comparison {
 public:
  void compare(const Shape& ours, const json& model, const std::string& path) {
    if (model.at("type") == "again") return;  // a structure within itself: compared further up
    std::visit(Overload{
                   [&](const String& s) { of_string(s, model, path); },
                   [&](const Integer& s) { of_range(s, model, path, "integer"); },
                   [&](const Long& s) { of_range(s, model, path, "long"); },
                   [&](const Float& s) { of_range(s, model, path, model.at("type") == "double" ? "double" : "float"); },
                   [&](const Boolean&) { of_type(model, path, "boolean"); },
                   [&](const Timestamp&) { of_type(model, path, "timestamp"); },
                   [&](const List& s) { of_list(s, model, path); },
                   [&](const Map& s) { of_map(s, model, path); },
                   [&](const Structure& s) { of_structure(s, model, path); },
                   [&](const Opaque&) { differs(path + ": opaque"); },
                   [&](const Unsupported&) { differs(path + ": unsupported"); },
               },
               ours.kind);
  }
  // All that differs was meant to, and all that was meant to differs.
  void judge(const Differences& meant) const {
    for (const auto& [difference, nothing] : found_)
      CHECK_MESSAGE(meant.contains(where_it_is_explained(difference)), difference);
    for (const auto& [deviation, reason] : meant)
      CHECK_MESSAGE(found_.contains(deviation), "no longer so: ", deviation);
  }

 private:
  void differs(const std::string& what) { found_.emplace(what, ""); }

  void of_type(const json& model, const std::string& path, const std::string& type) {
    if (model.at("type") != type) differs(fmt::format("{}: {}, model {}", path, type, model.at("type").dump()));
  }
  template <class Bound>
  void of_bound(const Bound& ours, const json& model, const std::string& path, const char* which) {
    const json mine = ours ? json(*ours) : json();
    const json theirs = model.value(which, json());
    if (mine != theirs) differs(fmt::format("{} {}: {}, model {}", path, which, mine.dump(), theirs.dump()));
  }
  template <class Range>
  void of_range(const Range& ours, const json& model, const std::string& path, const std::string& type) {
    of_type(model, path, type);
    of_bound(ours.min, model, path, "min");
    of_bound(ours.max, model, path, "max");
  }
  void of_string(const String& ours, const json& model, const std::string& path) {
    of_range(ours, model, path, "string");
    const std::string pattern = ours.pattern ? ours.pattern->text() : "";
    if (pattern != model.value("pattern", "")) differs(path + " pattern: " + pattern);
    if (json(ours.values) != model.value("enum", json::array())) differs(path + ": other values");
    if (ours.other_values) differs(path + ": also other values");
  }
  void of_list(const List& ours, const json& model, const std::string& path) {
    of_range(ours, model, path, "list");
    compare(*ours.element, model.at("element"), path + "[]");
  }
  void of_map(const Map& ours, const json& model, const std::string& path) {
    of_range(ours, model, path, "map");
    of_string(ours.key, model.at("key"), path + "{key}");
    compare(*ours.value, model.at("value"), path + "{value}");
  }
  void of_structure(const Structure& ours, const json& model, const std::string& path) {
    of_type(model, path, "structure");
    json missing = model.at("members");
    const json& required = model.at("required");
    for (const Member& member : ours.members) {
      const std::string at = path + '.' + member.name;
      missing.erase(member.name);
      if (const auto theirs = model.at("members").find(member.name); theirs != model.at("members").end()) {
        const bool needed = std::find(required.begin(), required.end(), member.name) != required.end();
        if (needed != member.required) differs(at + (needed ? ": not required" : ": required"));
        compare(*member.shape, *theirs, at);
      } else {
        differs(at +
                (std::holds_alternative<Unsupported>(member.shape->kind) ? ": unsupported" : ": not in the model"));
      }
    }
    for (const auto& [name, theirs] : missing.items()) differs(path + '.' + name + ": not declared");
  }

  Differences found_;
};

json model_of(const char* file) {
  std::ifstream in(std::string(HOLDFAST_SOURCE_DIR "/tests/api/model/") + file);
  REQUIRE(in);
  return json::parse(in);
}

TEST_CASE(
    "every member of SageMaker's inputs is declared with its limits, or differs for a reason that is written down") {
  Comparison comparison;
  comparison.compare(shapes::create_training_job_input(), model_of("create_training_job.json"), "CreateTrainingJob");
  comparison.compare(shapes::describe_training_job_input(), model_of("describe_training_job.json"),
                     "DescribeTrainingJob");
  comparison.compare(shapes::list_training_jobs_input(), model_of("list_training_jobs.json"), "ListTrainingJobs");
  comparison.compare(shapes::stop_training_job_input(), model_of("stop_training_job.json"), "StopTrainingJob");
  comparison.compare(shapes::update_training_job_input(), model_of("update_training_job.json"), "UpdateTrainingJob");
  comparison.compare(shapes::create_algorithm_input(), model_of("create_algorithm.json"), "CreateAlgorithm");
  comparison.compare(shapes::describe_algorithm_input(), model_of("describe_algorithm.json"), "DescribeAlgorithm");
  comparison.compare(shapes::list_algorithms_input(), model_of("list_algorithms.json"), "ListAlgorithms");
  comparison.compare(shapes::delete_algorithm_input(), model_of("delete_algorithm.json"), "DeleteAlgorithm");
  comparison.compare(shapes::add_tags_input(), model_of("add_tags.json"), "AddTags");
  comparison.compare(shapes::list_tags_input(), model_of("list_tags.json"), "ListTags");
  comparison.compare(shapes::delete_tags_input(), model_of("delete_tags.json"), "DeleteTags");
  comparison.compare(shapes::search_input(), model_of("search.json"), "Search");
  comparison.compare(shapes::get_search_suggestions_input(), model_of("get_search_suggestions.json"),
                     "GetSearchSuggestions");
  comparison.judge(kDeviations);
}

TEST_CASE("every member of CloudWatch's inputs is declared with its limits, or differs for a reason") {
  Comparison comparison;
  comparison.compare(shapes::put_metric_data_input(), model_of("put_metric_data.json"), "PutMetricData");
  comparison.compare(shapes::get_metric_statistics_input(), model_of("get_metric_statistics.json"),
                     "GetMetricStatistics");
  comparison.compare(shapes::get_metric_data_input(), model_of("get_metric_data.json"), "GetMetricData");
  comparison.compare(shapes::list_metrics_input(), model_of("list_metrics.json"), "ListMetrics");
  comparison.judge(kMetricsDeviations);
}

TEST_CASE("every member of CloudWatch Logs' inputs is declared with its limits, or differs for a reason") {
  const json model = model_of("logs.json");
  Comparison comparison;
  const auto compare = [&](const Shape& ours, const std::string& operation) {
    comparison.compare(ours, model.at(operation), operation);
  };
  compare(shapes::create_log_group_input(), "CreateLogGroup");
  compare(shapes::delete_log_group_input(), "DeleteLogGroup");
  compare(shapes::describe_log_groups_input(), "DescribeLogGroups");
  compare(shapes::create_log_stream_input(), "CreateLogStream");
  compare(shapes::delete_log_stream_input(), "DeleteLogStream");
  compare(shapes::describe_log_streams_input(), "DescribeLogStreams");
  compare(shapes::put_log_events_input(), "PutLogEvents");
  compare(shapes::get_log_events_input(), "GetLogEvents");
  compare(shapes::filter_log_events_input(), "FilterLogEvents");
  compare(shapes::put_retention_policy_input(), "PutRetentionPolicy");
  compare(shapes::delete_retention_policy_input(), "DeleteRetentionPolicy");
  compare(shapes::list_tags_log_group_input(), "ListTagsLogGroup");
  compare(shapes::tag_log_group_input(), "TagLogGroup");
  compare(shapes::untag_log_group_input(), "UntagLogGroup");
  compare(shapes::list_tags_for_log_resource_input(), "ListTagsForResource");
  compare(shapes::tag_log_resource_input(), "TagResource");
  compare(shapes::untag_log_resource_input(), "UntagResource");
  comparison.judge(kLogsDeviations);
}

}  // namespace
}  // namespace holdfast::api
