#include "api/shapes/training_job.hpp"

#include "api/shapes/common.hpp"
#include "api/shapes/debugger.hpp"
#include "api/shapes/training_job_parts.hpp"

namespace holdfast::api::shapes {

namespace {
constexpr int kMaxKeepAliveSeconds = 21600;

ShapePtr remote_debug_config() {
  return unsupported("there is no way into a running container here, so leave it out.",
                     {"{}", R"({"EnableRemoteDebug":false})"});
}
}  // namespace

ShapePtr input_mode() { return one_of({"Pipe", "File", "FastFile"}); }

ShapePtr hyper_parameters() {
  const String key{.max = 256, .pattern = any_line()};
  return shape(Map{.min = 0, .max = 100, .key = key, .value = line(2500)});
}

ShapePtr metric_definitions() {
  const ShapePtr metric = shape(Structure{{
      {"Name", nonempty_line(255), kRequired},
      {"Regex", nonempty_line(500), kRequired},
  }});
  return shape(List{.min = 0, .max = 40, .element = metric});
}

ShapePtr channel_name() { return shape(String{.min = 1, .max = 64, .pattern = Pattern(R"([A-Za-z0-9\.\-_]+)")}); }

ShapePtr compression_type() { return one_of({"None", "Gzip"}); }

namespace {

ShapePtr environment() {
  const String key{.max = 512, .pattern = Pattern("[a-zA-Z_][a-zA-Z0-9_]*")};
  const ShapePtr value = shape(String{.max = 512, .pattern = Pattern(R"([\S\s]*)")});
  return shape(Map{.max = 100, .key = key, .value = value});
}

ShapePtr algorithm_specification() {
  return shape(Structure{{
      {"TrainingImage", line(255)},
      {"AlgorithmName", arn_or_name()},
      {"TrainingInputMode", input_mode(), kRequired},
      {"MetricDefinitions", metric_definitions()},
      {"EnableSageMakerMetricsTimeSeries", boolean()},
      {"ContainerEntrypoint", shape(List{.min = 1, .max = 100, .element = line(256)})},
      {"ContainerArguments", shape(List{.min = 1, .max = 100, .element = line(256)})},
      {"TrainingImageConfig", unsupported("images are not pulled from a registry here, so leave it out.",
                                          {R"({"TrainingRepositoryAccessMode":"Platform"})"})},
  }});
}

ShapePtr s3_data_source() {
  return shape(Structure{{
      {"S3DataType", one_of({"ManifestFile", "S3Prefix", "AugmentedManifestFile"}), kRequired},
      {"S3Uri", s3_uri(), kRequired},
      {"S3DataDistributionType", one_of({"FullyReplicated", "ShardedByS3Key"})},
      {"AttributeNames", shape(List{.max = 16, .element = nonempty_line(256)})},
      {"InstanceGroupNames", shape(List{.max = 5, .element = nonempty_line(64)})},
      {"ModelAccessConfig", unsupported("models of a hub cannot be read here; copy the files and give their S3Uri.")},
      {"HubAccessConfig", unsupported("models of a hub cannot be read here; copy the files and give their S3Uri.")},
  }});
}

ShapePtr file_system_data_source() {
  return shape(Structure{{
      {"FileSystemId", shape(String{.min = 11, .pattern = any_line()}), kRequired},
      {"FileSystemAccessMode", one_of({"rw", "ro"}), kRequired},
      {"FileSystemType", one_of({"EFS", "FSxLustre"}), kRequired},
      {"DirectoryPath", line(4096), kRequired},
  }});
}

}  // namespace

ShapePtr input_data_config() {
  const ShapePtr data_source = shape(Structure{{
      {"S3DataSource", s3_data_source()},
      {"FileSystemDataSource", file_system_data_source()},
      {"DatasetSource", unsupported("give an S3DataSource instead.")},
  }});
  const ShapePtr channel = shape(Structure{{
      {"ChannelName", channel_name(), kRequired},
      {"DataSource", data_source, kRequired},
      {"ContentType", line(256)},
      {"CompressionType", compression_type()},
      {"RecordWrapperType", one_of({"None", "RecordIO"})},
      {"InputMode", input_mode()},
      {"ShuffleConfig", shape(Structure{{{"Seed", shape(Long{}), kRequired}}})},
  }});
  return shape(List{.min = 1, .max = 20, .element = channel});
}

ShapePtr output_data_config() {
  return shape(Structure{{
      {"KmsKeyId", kms_key_id()},
      {"S3OutputPath", s3_uri(), kRequired},
      {"CompressionType", one_of({"GZIP", "NONE"})},
  }});
}

ShapePtr resource_config() {
  const ShapePtr group = shape(Structure{{
      {"InstanceType", training_instance_type(), kRequired},
      {"InstanceCount", shape(Integer{.min = 0}), kRequired},
      {"InstanceGroupName", nonempty_line(64), kRequired},
  }});
  return shape(Structure{{
      {"InstanceType", training_instance_type()},
      {"InstanceCount", shape(Integer{.min = 0})},
      {"VolumeSizeInGB", shape(Integer{.min = 0})},
      {"VolumeKmsKeyId", kms_key_id()},
      {"InstanceGroups", shape(List{.max = 5, .element = group})},
      {"KeepAlivePeriodInSeconds", shape(Integer{.min = 0, .max = kMaxKeepAliveSeconds})},
      {"TrainingPlanArn", unsupported("there are no training plans here, so leave it out.")},
      {"InstancePreferences", unsupported("any instance type is a slot of this machine: give one InstanceType.")},
      {"InstancePlacementConfig", unsupported("there are no UltraServers here, so leave it out.")},
  }});
}

ShapePtr stopping_condition() {
  return shape(Structure{{
      {"MaxRuntimeInSeconds", shape(Integer{.min = 1})},
      {"MaxWaitTimeInSeconds", shape(Integer{.min = 1})},
      {"MaxPendingTimeInSeconds",
       unsupported("use EnableManagedSpotTraining with MaxWaitTimeInSeconds, which counts the "
                   "waiting and the running together.")},
  }});
}

namespace {

ShapePtr checkpoint_config() {
  return shape(Structure{{
      {"S3Uri", s3_uri(), kRequired},
      {"LocalPath", line(4096)},
  }});
}

ShapePtr flag(const char* member) { return shape(Structure{{{member, boolean()}}}); }

ShapePtr retry_strategy() {
  return shape(Structure{{{"MaximumRetryAttempts", shape(Integer{.min = 1, .max = 30}), kRequired}}});
}

ShapePtr make_create_input() {
  return shape(Structure{{
      {"TrainingJobName", name(63), kRequired},
      {"HyperParameters", hyper_parameters()},
      {"AlgorithmSpecification", algorithm_specification(), kRequired},
      {"RoleArn", role_arn(), kRequired},
      {"InputDataConfig", input_data_config()},
      {"OutputDataConfig", output_data_config(), kRequired},
      {"ResourceConfig", resource_config(), kRequired},
      {"VpcConfig", vpc_config()},
      {"StoppingCondition", stopping_condition(), kRequired},
      {"Tags", tags()},
      {"EnableNetworkIsolation", boolean()},
      {"EnableInterContainerTrafficEncryption", boolean()},
      {"EnableManagedSpotTraining", boolean()},
      {"CheckpointConfig", checkpoint_config()},
      {"DebugHookConfig", debug_hook_config()},
      {"DebugRuleConfigurations", rule_configurations()},
      {"TensorBoardOutputConfig", tensor_board_output_config()},
      {"ExperimentConfig", experiment_config()},
      {"ProfilerConfig", profiler_config()},
      {"ProfilerRuleConfigurations", rule_configurations()},
      {"Environment", environment()},
      {"RetryStrategy", retry_strategy()},
      {"InfraCheckConfig", flag("EnableInfraCheck")},
      {"SessionChainingConfig", flag("EnableSessionTagChaining")},
      {"RemoteDebugConfig", remote_debug_config()},
      {"ServerlessJobConfig", unsupported("give AlgorithmSpecification and ResourceConfig instead.")},
      {"MlflowConfig", unsupported("metrics are not sent to MLflow from here; the program can do so itself.")},
      {"ModelPackageConfig", unsupported("there is no model registry here, so leave it out.")},
  }});
}

ShapePtr make_name_input() { return shape(Structure{{{"TrainingJobName", name(63), kRequired}}}); }

ShapePtr make_update_input() {
  const ShapePtr resources = shape(
      Structure{{{"KeepAlivePeriodInSeconds", shape(Integer{.min = 0, .max = kMaxKeepAliveSeconds}), kRequired}}});
  return shape(Structure{{
      {"TrainingJobName", name(63), kRequired},
      {"ProfilerConfig", profiler_config()},
      {"ProfilerRuleConfigurations", rule_configurations()},
      {"ResourceConfig", resources},
      {"RemoteDebugConfig", remote_debug_config()},
  }});
}

ShapePtr make_list_input() {
  return shape(Structure{{
      {"NextToken", line(8192)},
      {"MaxResults", shape(Integer{.min = 1, .max = 100})},
      {"CreationTimeAfter", timestamp()},
      {"CreationTimeBefore", timestamp()},
      {"LastModifiedTimeAfter", timestamp()},
      {"LastModifiedTimeBefore", timestamp()},
      {"NameContains", shape(String{.max = 63, .pattern = Pattern(R"([a-zA-Z0-9\-]+)")})},
      {"StatusEquals", one_of({"InProgress", "Completed", "Failed", "Stopping", "Stopped"})},
      {"SortBy", one_of({"Name", "CreationTime", "Status"})},
      {"SortOrder", one_of({"Ascending", "Descending"})},
      {"WarmPoolStatusEquals", one_of({"Available", "Terminated", "Reused", "InUse"})},
      {"TrainingPlanArnEquals", unsupported("there are no training plans here, so leave it out.")},
  }});
}

}  // namespace

const Shape& create_training_job_input() {
  static const ShapePtr input = make_create_input();
  return *input;
}
const Shape& describe_training_job_input() {
  static const ShapePtr input = make_name_input();
  return *input;
}
const Shape& list_training_jobs_input() {
  static const ShapePtr input = make_list_input();
  return *input;
}
const Shape& stop_training_job_input() { return describe_training_job_input(); }
const Shape& update_training_job_input() {
  static const ShapePtr input = make_update_input();
  return *input;
}
const Shape& delete_training_job_input() { return describe_training_job_input(); }

}  // namespace holdfast::api::shapes
