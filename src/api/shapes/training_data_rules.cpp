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

Refusal refuse_s3_source(const std::string& where, const json& source) {
  const std::string type = source.at("S3DataType");
  if (type != "S3Prefix") {
    return fmt::format(
        "{}: S3DataType {} is not supported yet. Use S3Prefix with an S3Uri that all files of the channel begin with.",
        where, type);
  }
  if (source.contains("InstanceGroupNames") && !source["InstanceGroupNames"].empty()) {
    return fmt::format(
        "{}: InstanceGroupNames needs ResourceConfig.InstanceGroups, which are not supported yet. "
        "Leave it out.",
        where);
  }
  return refuse_s3_uri(where + ": S3Uri", source.at("S3Uri"));
}

Refusal refuse_source(const std::string& where, const json& source) {
  const bool s3 = source.contains("S3DataSource");
  const bool file_system = source.contains("FileSystemDataSource");
  if (s3 == file_system) {
    return fmt::format("{}: DataSource must have {} S3DataSource {} FileSystemDataSource.", where,
                       s3 ? "only one of" : "one of", s3 ? "and" : "or");
  }
  if (file_system) {
    return fmt::format("{}: FileSystemDataSource is not supported yet. Use an S3DataSource.", where);
  }
  return refuse_s3_source(where, source["S3DataSource"]);
}

Refusal refuse_mode(const std::string& where, const std::string& mode) {
  if (mode == "File") return {};
  return fmt::format("{} {} is not supported yet. Use File: the channel's files are copied to the instance first.",
                     where, mode);
}

Refusal refuse_channel(const json& channel) {
  const std::string name = channel.at("ChannelName");
  const std::string where = fmt::format("Channel '{}'", name);
  if (name == "." || name == "..") {
    return fmt::format("{}: the name of a channel is the name of its directory. Use another.", where);
  }
  if (auto refusal = refuse_mode(where + ": InputMode", channel.value("InputMode", "File"))) return refusal;
  if (channel.at("CompressionType") != "None") {
    return fmt::format(
        "{}: CompressionType Gzip is only for Pipe input mode. Use None: files reach the program as they "
        "are.",
        where);
  }
  if (channel.at("RecordWrapperType") != "None") {
    return fmt::format("{}: RecordWrapperType RecordIO is only for Pipe input mode. Use None.", where);
  }
  return refuse_source(where, channel.at("DataSource"));
}

}  // namespace

Refusal refuse_channels(const json& request) {
  const std::string mode = request.at("AlgorithmSpecification").at("TrainingInputMode");
  if (auto refusal = refuse_mode("AlgorithmSpecification.TrainingInputMode", mode)) return refusal;
  std::set<std::string> names;
  for (const json& channel : request.value("InputDataConfig", json::array())) {
    if (!names.insert(channel.at("ChannelName")).second) {
      return fmt::format("ChannelName '{}' is given twice in InputDataConfig: the names of channels must be unique.",
                         channel.at("ChannelName").get<std::string>());
    }
    if (auto refusal = refuse_channel(channel)) return refusal;
  }
  return {};
}

Refusal refuse_output(const json& request) {
  const json& output = request.at("OutputDataConfig");
  if (output.value("CompressionType", "GZIP") != "GZIP") {
    return "OutputDataConfig.CompressionType NONE is not supported yet. Leave it out: the model is stored as "
           "model.tar.gz.";
  }
  return refuse_s3_uri("OutputDataConfig.S3OutputPath", output.at("S3OutputPath"));
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
