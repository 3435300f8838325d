#include "api/shapes/training_job_rules.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/shapes/checkpoint_tags.hpp"
#include "api/shapes/paths.hpp"
#include "api/shapes/retention_tags.hpp"
#include "api/shapes/tag_rules.hpp"
#include "api/shapes/training_data_rules.hpp"

namespace holdfast::api::shapes {
namespace {

using nlohmann::json;
using Refusal = std::optional<std::string>;

// Strings of a request become arguments, environment and paths, where a NUL would cut them short.
bool has_nul(const json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().find('\0') != std::string::npos;
  if (!value.is_structured()) return false;
  const auto items = value.items();
  return std::any_of(items.begin(), items.end(), [&value](const auto& item) {
    return (value.is_object() && item.key().find('\0') != std::string::npos) || has_nul(item.value());
  });
}

Refusal refuse_times(const json& request) {
  const json& stopping = request.at("StoppingCondition");
  const bool spot = request.at("EnableManagedSpotTraining");
  const std::int64_t max_runtime = stopping.at("MaxRuntimeInSeconds");
  const std::int64_t max_wait = stopping.value("MaxWaitTimeInSeconds", std::int64_t{0});
  if (max_runtime > kMaxRuntimeSeconds) {
    return fmt::format("Invalid MaxRuntimeInSeconds. It must be less than or equal to {} (28 days)",
                       kMaxRuntimeSeconds);
  }
  if (!spot && max_wait > 0) {
    return "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true";
  }
  if (spot && max_wait < max_runtime) {
    return "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds";
  }
  return {};
}

Refusal refuse_image(const json& request) {
  const json& algorithm = request.at("AlgorithmSpecification");
  const bool has_image = algorithm.contains("TrainingImage");
  const bool has_name = algorithm.contains("AlgorithmName");
  if (has_image == has_name) {
    return has_image ? "AlgorithmSpecification must not have both TrainingImage and AlgorithmName. Keep one of them."
                     : "AlgorithmSpecification must have a TrainingImage or an AlgorithmName.";
  }
  // The image of an algorithm was looked at when it was created.
  return has_image ? refuse_training_image(algorithm["TrainingImage"]) : Refusal();
}

Refusal refuse_resources(const json& request) {
  const json& resources = request.at("ResourceConfig");
  const bool has_type = resources.contains("InstanceType");
  const bool has_count = resources.contains("InstanceCount");
  if (resources.contains("InstanceGroups") && !resources["InstanceGroups"].empty()) {
    if (has_type || has_count) {
      return "ResourceConfig must not have InstanceGroups together with InstanceType or InstanceCount.";
    }
    return "ResourceConfig.InstanceGroups is not supported. Use InstanceType with InstanceCount 1.";
  }
  if (!has_type || !has_count) return "ResourceConfig must have InstanceType and InstanceCount.";
  if (resources["InstanceCount"] != 1) {
    return fmt::format("ResourceConfig.InstanceCount {} is not supported. Use 1: a job trains on one instance.",
                       resources["InstanceCount"].get<int>());
  }
  if (resources.value("KeepAlivePeriodInSeconds", 0) > 0 && request.at("EnableManagedSpotTraining")) {
    return "KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true. Leave it out.";
  }
  return {};
}

Refusal refuse_metrics(const json& request) {
  return refuse_metric_definitions(request.at("AlgorithmSpecification").value("MetricDefinitions", json::array()));
}

Refusal refuse_tag(const std::string& key, const std::string& value, const json& request) {
  if (auto refusal = refuse_reserved_key(key)) return refusal;
  if (!is_instruction(key)) return {};
  if (is_checkpoint_tag(key)) return refuse_checkpoint_tag(key, value);
  if (is_retention_tag(key)) return refuse_retention_tag(key, value, request);
  if (key != kWorkingDirectoryTag) {
    return fmt::format(
        "Tag '{}' is not known: tags that begin with '{}' are instructions to this service. Known: {}, {}, {}, {}, "
        "{}, {}.",
        key, kTagPrefix, kWorkingDirectoryTag, kCheckpointMarkersTag, kCheckpointBandwidthTag, kKeepTag, kKeepEveryTag,
        kKeepBestTag);
  }
  if (normal_path(value)) return {};
  return fmt::format("Tag '{}': '{}' must be an absolute path without '..'.", key, value);
}

// An id of AWS's access keys, or of ours, with nothing of a word around it.
bool names_access_key(const std::string& text) {
  static const re2::RE2 kAccessKeyId(R"(\b(?:AKIA|ASIA|HFAK)[A-Z0-9]{16}\b)");
  return re2::RE2::PartialMatch(text, kAccessKeyId);
}

// Everybody who may look at the job reads them; SageMaker refuses such a job as well.
Refusal refuse_credentials(const json& request) {
  const json parameters = request.value("HyperParameters", json::object());
  for (const auto& [name, value] : parameters.items()) {
    if (names_access_key(name) || names_access_key(value.get_ref<const std::string&>())) {
      return fmt::format(
          "The hyperparameter '{}' holds an access key, and everybody who may see the job would see it. Leave it out: "
          "the program finds a key of its own for the job's places in S3, and others can be given in Environment.",
          names_access_key(name) ? "..." : name);
    }
  }
  return {};
}

Refusal refuse_tags(const json& request) {
  const json tags = request.value("Tags", json::array());
  if (auto refusal = refuse_repeated_keys(tags)) return refusal;
  for (const json& tag : tags) {
    if (auto refusal = refuse_tag(tag.at("Key"), tag.at("Value"), request)) return refusal;
  }
  return {};
}

}  // namespace

Refusal refuse_nul(const json& request) {
  for (const auto& [member, value] : request.items()) {
    if (has_nul(value)) return fmt::format("{} must not contain the character U+0000.", member);
  }
  return {};
}

Refusal refuse_training_image(const std::string& image) {
  const auto directory = normal_path(image);
  if (image == job::kHostImage || (directory && *directory != "/")) return {};
  return fmt::format(
      "TrainingImage '{}' cannot run here: images are not pulled from a registry. Use 'local:host' for the programs of "
      "the instance itself, or the absolute path of a directory that holds an image's root file system.",
      image);
}

Refusal refuse_metric_definitions(const json& definitions) {
  for (const json& metric : definitions) {
    const std::string name = metric.at("Name");
    const std::string regex = metric.at("Regex");
    const re2::RE2 compiled(regex, re2::RE2::Quiet);
    if (!compiled.ok()) {
      return fmt::format(
          "The Regex '{}' of metric '{}' cannot be used: {}. Its syntax is RE2's, without look-around and "
          "back-references.",
          regex, name, compiled.error());
    }
    if (compiled.NumberOfCapturingGroups() == 0) {
      return fmt::format(
          "The Regex '{}' of metric '{}' has no group: put parentheses around the value, as in 'loss=([0-9.]+)'.",
          regex, name);
    }
  }
  return {};
}

Refusal refuse_training_job(const json& request) {
  // In this order, because the rules further down read what those further up have made sure of.
  for (const auto rule : {refuse_nul, refuse_times, refuse_image, refuse_resources, refuse_channels, refuse_output,
                          refuse_checkpoint, refuse_metrics, refuse_credentials, refuse_tags}) {
    if (auto refusal = rule(request)) return refusal;
  }
  return {};
}

}  // namespace holdfast::api::shapes
