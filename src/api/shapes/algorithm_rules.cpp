#include "api/shapes/algorithm_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "api/hyper_parameters.hpp"
#include "api/shapes/tag_rules.hpp"
#include "api/shapes/training_job_rules.hpp"

namespace holdfast::api::shapes {
namespace {

using nlohmann::json;
using Refusal = std::optional<std::string>;

struct RangeOfType {
  const char* type;
  const char* range;
};
constexpr std::array kRanges{RangeOfType{"Integer", "IntegerParameterRangeSpecification"},
                             RangeOfType{"Continuous", "ContinuousParameterRangeSpecification"},
                             RangeOfType{"Categorical", "CategoricalParameterRangeSpecification"}};

Refusal refuse_twice(const json& list, const char* member, const char* where) {
  std::set<std::string> names;
  for (const json& element : list) {
    const std::string name = element.at(member);
    if (!names.insert(name).second) return fmt::format("{} '{}' is given twice in {}.", member, name, where);
  }
  return {};
}

template <class Number>
bool ordered(const json& bounds, std::optional<Number> (*read)(const std::string&)) {
  const auto low = read(bounds.at("MinValue"));
  const auto high = read(bounds.at("MaxValue"));
  return low && high && *low <= *high;
}

Refusal refuse_range(const std::string& where, const json& parameter) {
  if (!parameter.contains("Range") || parameter["Range"].empty()) return {};
  const std::string type = parameter.at("Type");
  const json& range = parameter["Range"];
  const auto own = std::find_if(kRanges.begin(), kRanges.end(), [&](const auto& entry) { return type == entry.type; });
  if (own == kRanges.end()) return fmt::format("{}: the type {} has no Range. Leave it out.", where, type);
  if (range.size() != 1 || !range.contains(own->range))
    return fmt::format("{}: the Range of the type {} must be its {} and nothing else.", where, type, own->range);
  const bool fits = type == "Integer"      ? ordered(range[own->range], read_integer)
                    : type == "Continuous" ? ordered(range[own->range], read_number)
                                           : true;
  if (fits) return {};
  return fmt::format("{}: MinValue and MaxValue must be {}, the first not above the second.", where,
                     type == "Integer" ? "integers" : "numbers");
}

Refusal refuse_parameter(const json& parameter) {
  const std::string where = fmt::format("Hyperparameter '{}'", parameter.at("Name").get<std::string>());
  if (auto refusal = refuse_range(where, parameter)) return refusal;
  if (!parameter.contains("DefaultValue")) return {};
  const std::string value = parameter["DefaultValue"];
  if (auto refusal = refuse_value(parameter, value))
    return fmt::format("{}: its DefaultValue '{}' {}.", where, value, *refusal);
  return {};
}

Refusal refuse_objectives(const json& training) {
  const json metrics = training.value("MetricDefinitions", json::array());
  for (const json& objective : training.value("SupportedTuningJobObjectiveMetrics", json::array())) {
    const auto named = [&](const json& metric) { return metric.at("Name") == objective.at("MetricName"); };
    if (std::any_of(metrics.begin(), metrics.end(), named)) continue;
    return fmt::format("SupportedTuningJobObjectiveMetrics: MetricName '{}' is none of the MetricDefinitions.",
                       objective.at("MetricName").get<std::string>());
  }
  return {};
}

Refusal refuse_training(const json& training) {
  const std::string image = training.at("TrainingImage");
  if (auto refusal = refuse_training_image(image)) return refusal;
  const json parameters = training.value("SupportedHyperParameters", json::array());
  if (auto refusal = refuse_twice(parameters, "Name", "SupportedHyperParameters")) return refusal;
  for (const json& parameter : parameters) {
    if (auto refusal = refuse_parameter(parameter)) return refusal;
  }
  if (auto refusal = refuse_twice(training.at("TrainingChannels"), "Name", "TrainingChannels")) return refusal;
  if (auto refusal = refuse_metric_definitions(training.value("MetricDefinitions", json::array()))) return refusal;
  return refuse_objectives(training);
}

}  // namespace

Refusal refuse_algorithm_tag(const std::string& key, const std::string& value) {
  if (auto refusal = refuse_reserved_key(key)) return refusal;
  if (!is_instruction(key)) return {};
  if (key != kCheckpointsTag) {
    return fmt::format("Tag '{}' is not known: tags that begin with '{}' are instructions to this service. Known: {}.",
                       key, kTagPrefix, kCheckpointsTag);
  }
  if (value == "true" || value == "false") return {};
  return fmt::format("Tag '{}': '{}' must be true or false.", key, value);
}

Refusal refuse_algorithm(const json& request) {
  if (auto refusal = refuse_nul(request)) return refusal;
  if (request.value("CertifyForMarketplace", false))
    return "CertifyForMarketplace is not supported: there is no Marketplace here. Leave it out.";
  if (auto refusal = refuse_training(request.at("TrainingSpecification"))) return refusal;
  const json tags = request.value("Tags", json::array());
  if (auto refusal = refuse_repeated_keys(tags)) return refusal;
  for (const json& tag : tags) {
    if (auto refusal = refuse_algorithm_tag(tag.at("Key"), tag.at("Value"))) return refusal;
  }
  return {};
}

}  // namespace holdfast::api::shapes
