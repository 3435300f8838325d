#include "api/algorithm_use.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "api/hyper_parameters.hpp"
#include "api/shapes/algorithm_rules.hpp"

namespace holdfast::api {

namespace {

using nlohmann::json;
using Refusal = std::optional<std::string>;
using Strings = std::vector<std::string>;

constexpr std::array<std::string_view, 12> kRepositoriesWithCheckpoints{
    "image-classification", "object-detection", "semantic-segmentation",        "tensorflow-training",
    "pytorch-training",     "mxnet-training",   "sagemaker-tensorflow",         "sagemaker-tensorflow-scriptmode",
    "sagemaker-pytorch",    "sagemaker-mxnet",  "huggingface-pytorch-training", "huggingface-tensorflow-training"};

bool holds(const Strings& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// "0.90-2-cpu-py3" -> 90, "1.5-1" -> 1005; without a version: the oldest.
int xgboost_version(std::string_view tag) {
  const auto dot = tag.find('.');
  const auto end = tag.find('-');
  if (dot == std::string_view::npos) return 0;
  const auto major = read_integer(std::string(tag.substr(0, dot)));
  const auto minor =
      read_integer(std::string(tag.substr(dot + 1, end == std::string_view::npos ? end : end - dot - 1)));
  if (!major || !minor || *major < 0 || *major > 1000 || *minor < 0 || *minor > 999) return 0;
  return static_cast<int>(*major * 1000 + *minor);
}

// ---- the demands, each with the algorithm's name in its words

Refusal refuse_wait(const ports::Algorithm& algorithm, const json& training, const json& request) {
  const std::int64_t max_wait = request.at("StoppingCondition").value("MaxWaitTimeInSeconds", std::int64_t{0});
  if (!request.value("EnableManagedSpotTraining", false) || max_wait <= kMaxWaitSecondsWithoutCheckpoints ||
      saves_checkpoints(algorithm, training)) {
    return {};
  }
  return fmt::format(
      "MaxWaitTimeInSeconds above {0} is not supported for the given algorithm. If '{1}' saves checkpoints and goes on "
      "from them, say so with the tag {2}=true on {3}; otherwise set MaxWaitTimeInSeconds to at most {0}.",
      kMaxWaitSecondsWithoutCheckpoints, algorithm.name, shapes::kCheckpointsTag, algorithm.arn);
}

Refusal refuse_metrics(const ports::Algorithm& algorithm, const json& request) {
  if (request.at("AlgorithmSpecification").value("MetricDefinitions", json::array()).empty()) return {};
  return fmt::format(
      "AlgorithmSpecification.MetricDefinitions must not be given with an AlgorithmName: the metrics are those of "
      "algorithm '{}'.",
      algorithm.name);
}

Refusal refuse_resources(const ports::Algorithm& algorithm, const json& training, const json& request) {
  const auto types = training.at("SupportedTrainingInstanceTypes").get<Strings>();
  const bool distributed = training.value("SupportsDistributedTraining", false);
  const json& resources = request.at("ResourceConfig");
  int count = resources.value("InstanceCount", 0);
  Strings asked;
  if (resources.contains("InstanceType")) asked.push_back(resources["InstanceType"]);
  for (const json& group : resources.value("InstanceGroups", json::array())) {
    asked.push_back(group.at("InstanceType"));
    count += group.at("InstanceCount").get<int>();
  }
  for (const auto& type : asked) {
    if (types.empty() || holds(types, type)) continue;
    return fmt::format("InstanceType {} is not supported by algorithm '{}'. Supported: [{}].", type, algorithm.name,
                       fmt::join(types, ", "));
  }
  if (count <= 1 || distributed) return {};
  return fmt::format("InstanceCount {} is not supported by algorithm '{}', which does not train distributed. Use 1.",
                     count, algorithm.name);
}

Refusal refuse_hyper_parameters(const ports::Algorithm& algorithm, const json& training, const json& request) {
  const json given = request.value("HyperParameters", json::object());
  const json specifications = training.value("SupportedHyperParameters", json::array());
  // Without a list the algorithm says nothing of its hyperparameters.
  if (specifications.empty()) return {};
  Strings known;
  for (const json& specification : specifications) {
    const std::string name = specification.at("Name");
    known.push_back(name);
    if (!given.contains(name)) {
      if (!specification.value("IsRequired", false) || specification.contains("DefaultValue")) continue;
      return fmt::format("Hyperparameter '{}' is required by algorithm '{}'.", name, algorithm.name);
    }
    const std::string value = given[name];
    if (auto refusal = refuse_value(specification, value))
      return fmt::format("Hyperparameter '{}' of algorithm '{}' {}, but is '{}'.", name, algorithm.name, *refusal,
                         value);
  }
  for (const auto& [name, value] : given.items()) {
    if (holds(known, name)) continue;
    return fmt::format("Hyperparameter '{}' is not supported by algorithm '{}'. Supported: [{}].", name, algorithm.name,
                       fmt::join(known, ", "));
  }
  return {};
}

Refusal refuse_listed(const json& specification, const char* list, const std::string& value, const std::string& what) {
  const auto supported = specification.value(list, Strings{});
  if (supported.empty() || holds(supported, value)) return {};
  return fmt::format("{} {} is not supported by the algorithm. Supported: [{}].", what, value,
                     fmt::join(supported, ", "));
}

Refusal refuse_channel(const json& specification, const json& channel, const std::string& default_mode) {
  const std::string where = fmt::format("Channel '{}':", channel.at("ChannelName").get<std::string>());
  if (auto refusal = refuse_listed(specification, "SupportedInputModes", channel.value("InputMode", default_mode),
                                   where + " the input mode"))
    return refusal;
  if (auto refusal = refuse_listed(specification, "SupportedCompressionTypes", channel.value("CompressionType", "None"),
                                   where + " the CompressionType"))
    return refusal;
  if (!channel.contains("ContentType")) return {};
  return refuse_listed(specification, "SupportedContentTypes", channel["ContentType"], where + " the ContentType");
}

Refusal refuse_channels(const ports::Algorithm& algorithm, const json& training, const json& request) {
  const json given = request.value("InputDataConfig", json::array());
  const std::string default_mode = request.at("AlgorithmSpecification").at("TrainingInputMode");
  Strings known;
  for (const json& specification : training.at("TrainingChannels")) {
    const std::string name = specification.at("Name");
    known.push_back(name);
    const auto channel = std::find_if(given.begin(), given.end(),
                                      [&](const json& element) { return element.at("ChannelName") == name; });
    if (channel != given.end()) {
      if (auto refusal = refuse_channel(specification, *channel, default_mode)) return refusal;
    } else if (specification.value("IsRequired", false)) {
      return fmt::format("Channel '{}' is required by algorithm '{}'.", name, algorithm.name);
    }
  }
  for (const json& channel : given) {
    const std::string name = channel.at("ChannelName");
    if (holds(known, name)) continue;
    return fmt::format("Channel '{}' is not supported by algorithm '{}'. Supported: [{}].", name, algorithm.name,
                       fmt::join(known, ", "));
  }
  return {};
}

}  // namespace

bool is_known_to_checkpoint(std::string_view image) {
  if (const auto slash = image.rfind('/'); slash != std::string_view::npos) image.remove_prefix(slash + 1);
  image = image.substr(0, image.find('@'));
  const auto colon = image.find(':');
  const auto repository = image.substr(0, colon);
  if (repository == "sagemaker-xgboost")
    return colon != std::string_view::npos && xgboost_version(image.substr(colon + 1)) >= 90;
  return std::find(kRepositoriesWithCheckpoints.begin(), kRepositoriesWithCheckpoints.end(), repository) !=
         kRepositoriesWithCheckpoints.end();
}

bool saves_checkpoints(const ports::Algorithm& algorithm, const json& training) {
  for (const auto& [key, value] : algorithm.tags) {
    if (key == shapes::kCheckpointsTag) return value == "true";
  }
  return is_known_to_checkpoint(algorithm.name) ||
         is_known_to_checkpoint(training.at("TrainingImage").get_ref<const std::string&>());
}

Refusal refuse_use(const ports::Algorithm& algorithm, const json& training, const json& request) {
  if (auto refusal = refuse_metrics(algorithm, request)) return refusal;
  for (const auto demand : {refuse_wait, refuse_resources, refuse_hyper_parameters, refuse_channels}) {
    if (auto refusal = demand(algorithm, training, request)) return refusal;
  }
  return {};
}

void take_over(const json& training, json& request) {
  if (training.contains("MetricDefinitions"))
    request["AlgorithmSpecification"]["MetricDefinitions"] = training["MetricDefinitions"];
  for (const json& specification : training.value("SupportedHyperParameters", json::array())) {
    if (!specification.contains("DefaultValue")) continue;
    json& given = request["HyperParameters"];
    const std::string name = specification.at("Name");
    if (!given.contains(name)) given[name] = specification["DefaultValue"];
  }
}

}  // namespace holdfast::api
