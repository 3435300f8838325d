// Requests to break, and what came of them: shared by the tests of CreateTrainingJob's rules.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "api/training_job_request.hpp"

namespace holdfast::api {

using nlohmann::json;

inline const RequestContext kContext{"123456789012", "us-west-2"};

inline json minimal_request() {
  return json::parse(R"json({
    "TrainingJobName": "job-1",
    "AlgorithmSpecification": {"TrainingImage": "local:host", "TrainingInputMode": "File",
                               "ContainerEntrypoint": ["python3"]},
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out/"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "StoppingCondition": {}
  })json");
}

// The minimal request, changed by a JSON merge patch (null removes).
inline json request_with(const json& patch) {
  json request = minimal_request();
  request.merge_patch(patch);
  return request;
}
// The smallest channel, changed in the same way.
inline json channel_with(const json& patch = json::object()) {
  json channel = json::parse(R"({"ChannelName": "train",
      "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data"}}})");
  channel.merge_patch(patch);
  return channel;
}
inline json with_channel(const json& patch = json::object()) {
  return request_with({{"InputDataConfig", {channel_with(patch)}}});
}
inline json with_tags(const std::vector<std::pair<std::string, std::string>>& tags) {
  json list = json::array();
  for (const auto& [key, value] : tags) list.push_back({{"Key", key}, {"Value", value}});
  return request_with({{"Tags", list}});
}

inline NewTrainingJob accepted(const json& request) {
  auto made = make_training_job(request, kContext);
  REQUIRE_MESSAGE(made, made.error().message);
  return std::move(*made);
}
// The message of the ValidationException; empty when the request is accepted.
inline std::string refusal(const json& request) {
  const auto made = make_training_job(request, kContext);
  if (made) return "";
  CHECK(made.error().status == 400);
  return made.error().code == "ValidationException" ? made.error().message : made.error().code;
}

struct Case {
  json request;
  std::string message;
};
inline void check_all(const std::vector<Case>& cases) {
  for (const Case& one : cases) CHECK_MESSAGE(refusal(one.request) == one.message, one.request.dump());
}
inline std::string broken(const std::string& value, const std::string& path, const std::string& constraint) {
  return fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}", value, path,
                     constraint);
}
inline std::string missing(const std::string& path) {
  return fmt::format(
      "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be "
      "null",
      path);
}

}  // namespace holdfast::api
