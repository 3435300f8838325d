#include "api/shapes/training_data_rules.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "api/rules.hpp"
#include "api/shapes/paths.hpp"
#include "job/spec.hpp"
#include "ports/object_store.hpp"

namespace holdfast::api::shapes {
namespace {

using nlohmann::json;
using Refusal = std::optional<std::string>;

// What SageMaker or the kernel keeps for itself inside a container.
constexpr const char* kReservedPaths[] = {"/opt/ml/code", "/opt/ml/input", "/opt/ml/model", "/opt/ml/output",
                                          "/dev",         "/proc",         "/sys"};

Refusal refuse_s3_uri(const std::string& where, const std::string& uri) {
  static const Pattern bucket_name("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");
  const auto location = ports::parse_s3_uri(uri);
  if (location && bucket_name.matches(location->bucket) && location->bucket.find("..") == std::string::npos) return {};
  return fmt::format(
      "{} '{}' cannot be used: write s3://bucket/prefix, with a bucket name of 3 to 63 lower-case letters, digits, "
      "dots "
      "and hyphens.",
      where, uri);
}

// A list of objects is one object itself.
Refusal refuse_list(const std::string& where, const json& source) {
  const std::string uri = source.at("S3Uri");
  const auto location = ports::parse_s3_uri(uri);
  if (location && !location->key.empty() && !location->key.ends_with('/')) return {};
  return fmt::format("{}: S3DataType {} needs an S3Uri that names one object, the list; '{}' names none.", where,
                     source.at("S3DataType").get<std::string>(), uri);
}

Refusal refuse_attributes(const std::string& where, const json& source) {
  const bool given = source.contains("AttributeNames") && !source["AttributeNames"].empty();
  const bool wanted = source.at("S3DataType") == "AugmentedManifestFile";
  if (given == wanted) return {};
  if (given)
    return fmt::format("{}: AttributeNames is only for S3DataType AugmentedManifestFile. Leave it out.", where);
  return fmt::format(
      "{}: S3DataType AugmentedManifestFile needs AttributeNames: which members of each line are streamed, and in "
      "which "
      "order.",
      where);
}

Refusal refuse_s3_source(const std::string& where, const std::string& mode, const json& source) {
  const std::string type = source.at("S3DataType");
  if (type == "AugmentedManifestFile" && mode != "Pipe") {
    return fmt::format("{}: S3DataType AugmentedManifestFile is only for Pipe input mode. Set InputMode to Pipe.",
                       where);
  }
  if (mode == "FastFile" && type != "S3Prefix") {
    return fmt::format("{}: FastFile input mode needs S3DataType S3Prefix, not {}. Use File or Pipe.", where, type);
  }
  if (source.contains("InstanceGroupNames") && !source["InstanceGroupNames"].empty()) {
    return fmt::format(
        "{}: InstanceGroupNames needs ResourceConfig.InstanceGroups, which are not supported. "
        "Leave it out.",
        where);
  }
  if (auto refusal = refuse_attributes(where, source)) return refusal;
  if (auto refusal = refuse_s3_uri(where + ": S3Uri", source.at("S3Uri"))) return refusal;
  return type == "S3Prefix" ? Refusal{} : refuse_list(where, source);
}

Refusal refuse_source(const std::string& where, const std::string& mode, const json& source) {
  const bool s3 = source.contains("S3DataSource");
  const bool file_system = source.contains("FileSystemDataSource");
  if (s3 == file_system) {
    return fmt::format("{}: DataSource must have {} S3DataSource {} FileSystemDataSource.", where,
                       s3 ? "only one of" : "one of", s3 ? "and" : "or");
  }
  if (file_system) {
    return fmt::format("{}: FileSystemDataSource is not supported. Use an S3DataSource.", where);
  }
  return refuse_s3_source(where, mode, source["S3DataSource"]);
}

Refusal refuse_channel(const json& channel, const std::string& mode) {
  const std::string name = channel.at("ChannelName");
  const std::string where = fmt::format("Channel '{}'", name);
  if (name == "." || name == "..") {
    return fmt::format("{}: the name of a channel is the name of its directory. Use another.", where);
  }
  if (mode != "Pipe" && channel.at("CompressionType") != "None") {
    return fmt::format(
        "{}: CompressionType Gzip is only for Pipe input mode. Use None: files reach the program as they "
        "are.",
        where);
  }
  if (mode != "Pipe" && channel.at("RecordWrapperType") != "None") {
    return fmt::format("{}: RecordWrapperType RecordIO is only for Pipe input mode. Use None.", where);
  }
  return refuse_source(where, mode, channel.at("DataSource"));
}

// The pipes of 'train' are train_0, train_1, ...: another channel's directory must not be one of them.
Refusal refuse_name_of_pipe(const std::string& pipe, const std::string& other) {
  if (!other.starts_with(pipe + "_")) return {};
  const auto epoch = other.substr(pipe.size() + 1);
  if (epoch.empty() || epoch.find_first_not_of("0123456789") != std::string::npos) return {};
  return fmt::format("Channel '{}' has the name of a pipe of channel '{}', which is in Pipe input mode. Use another.",
                     other, pipe);
}

}  // namespace

Refusal refuse_channels(const json& request) {
  const std::string mode = request.at("AlgorithmSpecification").at("TrainingInputMode");
  std::set<std::string> names, pipes;
  for (const json& channel : request.value("InputDataConfig", json::array())) {
    const std::string name = channel.at("ChannelName");
    if (!names.insert(name).second) {
      return fmt::format("ChannelName '{}' is given twice in InputDataConfig: the names of channels must be unique.",
                         name);
    }
    const std::string own_mode = channel.value("InputMode", mode);
    if (own_mode == "Pipe") pipes.insert(name);
    if (auto refusal = refuse_channel(channel, own_mode)) return refusal;
  }
  for (const auto& pipe : pipes) {
    for (const auto& name : names) {
      if (auto refusal = refuse_name_of_pipe(pipe, name)) return refusal;
    }
  }
  return {};
}

Refusal refuse_output(const json& request) {
  return refuse_s3_uri("OutputDataConfig.S3OutputPath", request.at("OutputDataConfig").at("S3OutputPath"));
}

Refusal refuse_checkpoint(const json& request) {
  if (!request.contains("CheckpointConfig")) return {};
  const json& checkpoint = request["CheckpointConfig"];
  const std::string local_path = checkpoint.at("LocalPath");
  const auto normal = normal_path(local_path);
  if (!normal) {
    return fmt::format("CheckpointConfig.LocalPath '{}' must be an absolute path without '..'.", local_path);
  }
  for (const std::string reserved : kReservedPaths) {
    if (!overlap(*normal, reserved)) continue;
    return fmt::format("CheckpointConfig.LocalPath '{}' conflicts with the reserved path '{}'. Use for example '{}'.",
                       local_path, reserved, job::kDefaultCheckpointPath);
  }
  return refuse_s3_uri("CheckpointConfig.S3Uri", checkpoint.at("S3Uri"));
}

}  // namespace holdfast::api::shapes
