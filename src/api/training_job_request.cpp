#include "api/training_job_request.hpp"

#include <nlohmann/json.hpp>

#include "api/algorithm_use.hpp"
#include "api/arns.hpp"
#include "api/rules.hpp"
#include "api/shapes/checkpoint_tags.hpp"
#include "api/shapes/paths.hpp"
#include "api/shapes/retention_tags.hpp"
#include "api/shapes/training_job.hpp"
#include "api/shapes/training_job_rules.hpp"
#include "api/without_nulls.hpp"

namespace holdfast::api {
namespace {

using nlohmann::json;

void set_default(json& structure, const char* member, json value) {
  if (!structure.contains(member)) structure[member] = std::move(value);
}

// What SageMaker fills in, and shows in DescribeTrainingJob.
void add_defaults(json& request) {
  json& algorithm = request["AlgorithmSpecification"];
  const bool has_metrics = algorithm.contains("MetricDefinitions") && !algorithm["MetricDefinitions"].empty();
  set_default(algorithm, "EnableSageMakerMetricsTimeSeries", has_metrics);
  if (request.contains("InputDataConfig")) {
    for (json& channel : request["InputDataConfig"]) {
      set_default(channel, "CompressionType", "None");
      set_default(channel, "RecordWrapperType", "None");
      json& source = channel["DataSource"];
      if (source.contains("S3DataSource")) {
        set_default(source["S3DataSource"], "S3DataDistributionType", "FullyReplicated");
      }
    }
  }
  set_default(request["OutputDataConfig"], "KmsKeyId", "");
  set_default(request["StoppingCondition"], "MaxRuntimeInSeconds",
              std::chrono::duration_cast<seconds>(job::kDefaultMaxRuntime).count());
  if (request.contains("CheckpointConfig")) {
    set_default(request["CheckpointConfig"], "LocalPath", job::kDefaultCheckpointPath);
  }
  for (const char* flag :
       {"EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"}) {
    set_default(request, flag, false);
  }
}

// ---- from a request that passed every rule

template <class T>
T member_or(const json& structure, const char* member, T fallback) {
  return structure.value(member, std::move(fallback));
}

void read_algorithm(const json& algorithm, const std::string& image, job::JobSpec& spec) {
  spec.image = image;
  spec.entrypoint = member_or(algorithm, "ContainerEntrypoint", std::vector<std::string>{});
  spec.arguments = member_or(algorithm, "ContainerArguments", std::vector<std::string>{});
  for (const json& metric : algorithm.value("MetricDefinitions", json::array())) {
    spec.metrics.push_back({metric.at("Name"), metric.at("Regex")});
  }
}

job::InputMode input_mode(const std::string& name) {
  if (name == "Pipe") return job::InputMode::Pipe;
  return name == "FastFile" ? job::InputMode::FastFile : job::InputMode::File;
}

job::SourceType source_type(const std::string& name) {
  if (name == "ManifestFile") return job::SourceType::ManifestFile;
  return name == "AugmentedManifestFile" ? job::SourceType::AugmentedManifestFile : job::SourceType::S3Prefix;
}

job::Channel read_channel(const json& channel, const std::string& mode) {
  const json& source = channel.at("DataSource").at("S3DataSource");
  job::Channel read;
  read.name = channel.at("ChannelName");
  read.s3_uri = source.at("S3Uri");
  read.content_type = member_or(channel, "ContentType", std::string{});
  read.distribution = source.at("S3DataDistributionType");
  read.mode = input_mode(member_or(channel, "InputMode", mode));
  read.type = source_type(source.at("S3DataType"));
  read.attributes = member_or(source, "AttributeNames", std::vector<std::string>{});
  read.gzip = channel.at("CompressionType") == "Gzip";
  read.record_io = channel.at("RecordWrapperType") == "RecordIO";
  if (channel.contains("ShuffleConfig")) read.shuffle_seed = channel["ShuffleConfig"].at("Seed").get<std::int64_t>();
  return read;
}

std::vector<job::Channel> read_channels(const json& request) {
  const std::string mode = request.at("AlgorithmSpecification").at("TrainingInputMode");
  std::vector<job::Channel> channels;
  for (const json& channel : request.value("InputDataConfig", json::array())) {
    channels.push_back(read_channel(channel, mode));
  }
  return channels;
}

void read_times(const json& request, job::JobSpec& spec) {
  const json& stopping = request.at("StoppingCondition");
  spec.spot = request.at("EnableManagedSpotTraining");
  spec.max_runtime = seconds{stopping.at("MaxRuntimeInSeconds").get<std::int64_t>()};
  if (spec.spot) spec.max_wait = seconds{stopping.at("MaxWaitTimeInSeconds").get<std::int64_t>()};
  if (request.contains("RetryStrategy")) spec.max_retries = request["RetryStrategy"].at("MaximumRetryAttempts");
}

void read_checkpoint(const json& request, job::JobSpec& spec) {
  if (!request.contains("CheckpointConfig")) return;
  const json& checkpoint = request["CheckpointConfig"];
  const std::string local_path = checkpoint.at("LocalPath");
  spec.checkpoint = job::Checkpoint{checkpoint.at("S3Uri"), shapes::normal_path(local_path).value()};
}

std::string without_trailing_slashes(std::string uri) {
  while (uri.ends_with('/')) uri.pop_back();
  return uri;
}

job::JobSpec read_spec(const json& request, const std::string& image, const RequestContext& context) {
  job::JobSpec spec;
  spec.name = JobName{request.at("TrainingJobName").get<std::string>()};
  spec.arn = make_arn({context.account, context.region}, kTrainingJobType, spec.name.value);
  spec.role_arn = request.at("RoleArn");
  read_algorithm(request.at("AlgorithmSpecification"), image, spec);
  spec.hyperparameters = member_or(request, "HyperParameters", spec.hyperparameters);
  spec.environment = member_or(request, "Environment", spec.environment);
  spec.channels = read_channels(request);
  spec.output_path = without_trailing_slashes(request.at("OutputDataConfig").at("S3OutputPath"));
  spec.archive_model = request["OutputDataConfig"].value("CompressionType", "GZIP") == "GZIP";
  const json& resources = request.at("ResourceConfig");
  spec.instance_type = resources.at("InstanceType");
  spec.instance_count = resources.at("InstanceCount");
  spec.volume_gb = member_or(resources, "VolumeSizeInGB", spec.volume_gb);
  spec.network_isolation = request.at("EnableNetworkIsolation");
  read_times(request, spec);
  read_checkpoint(request, spec);
  return spec;
}

// The image that the job runs. A job from an algorithm also takes over what that says of it.
tl::expected<std::string, ApiError> settle_image(json& request, const RequestContext& context) {
  const json& specification = request.at("AlgorithmSpecification");
  const bool by_name = specification.contains("AlgorithmName") && !specification.contains("TrainingImage");
  if (!by_name) return specification.value("TrainingImage", "");
  if (!context.find_algorithm)
    return tl::unexpected(validation("AlgorithmSpecification.AlgorithmName is not supported here. Use TrainingImage."));
  const auto algorithm = context.find_algorithm(specification["AlgorithmName"]);
  if (!algorithm) return tl::unexpected(algorithm.error());
  const json training = json::parse(algorithm->request).at("TrainingSpecification");
  if (auto refusal = refuse_use(*algorithm, training, request)) return tl::unexpected(validation(std::move(*refusal)));
  take_over(training, request);
  return training.at("TrainingImage").get<std::string>();
}

// It would wait for capacity only to fail.
std::optional<std::string> refuse_no_program(const job::JobSpec& spec) {
  if (spec.image != job::kHostImage || !spec.entrypoint.empty()) return std::nullopt;
  return "TrainingImage 'local:host' has no program of its own: give AlgorithmSpecification.ContainerEntrypoint, for "
         "example [\"python3\", \"/path/to/train.py\"].";
}

}  // namespace

tl::expected<NewTrainingJob, ApiError> make_training_job(const json& request, const RequestContext& context) {
  if (auto valid = validate(request, shapes::create_training_job_input()); !valid) {
    return tl::unexpected(valid.error());
  }
  json normal = without_nulls(request);
  const auto image = settle_image(normal, context);
  if (!image) return tl::unexpected(image.error());
  add_defaults(normal);
  if (auto refusal = shapes::refuse_training_job(normal)) {
    return tl::unexpected(validation(std::move(*refusal)));
  }
  NewTrainingJob made;
  made.spec = read_spec(normal, *image, context);
  if (auto refusal = refuse_no_program(made.spec)) return tl::unexpected(validation(std::move(*refusal)));
  for (const json& tag : normal.value("Tags", json::array())) {
    made.tags.emplace_back(tag.at("Key"), tag.at("Value"));
    if (made.tags.back().first == shapes::kWorkingDirectoryTag) {
      made.spec.working_directory = shapes::normal_path(made.tags.back().second).value();
    } else if (made.spec.checkpoint) {
      shapes::read_retention_tag(made.tags.back().first, made.tags.back().second, *made.spec.checkpoint);
    }
    shapes::read_checkpoint_tag(made.spec, made.tags.back().first, made.tags.back().second);
  }
  normal.erase("Tags");
  made.request_json = normal.dump();
  return made;
}

}  // namespace holdfast::api
