#include "api/shapes/algorithm.hpp"

#include "api/shapes/common.hpp"
#include "api/shapes/inference.hpp"
#include "api/shapes/training_job_parts.hpp"

namespace holdfast::api::shapes {
namespace {

// Any text but line breaks and other control characters.
const Pattern& prose() {
  static const Pattern pattern(R"([\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]*)");
  return pattern;
}
ShapePtr description() { return shape(String{.max = 1024, .pattern = prose()}); }

ShapePtr entity_name() {
  return shape(String{.min = 1, .max = 63, .pattern = Pattern("^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")});
}

ShapePtr hyper_parameter_range() {
  const ShapePtr bounds = shape(Structure{{
      {"MinValue", line(256), kRequired},
      {"MaxValue", line(256), kRequired},
  }});
  const ShapePtr values =
      shape(Structure{{{"Values", shape(List{.min = 1, .max = 30, .element = line(256)}), kRequired}}});
  return shape(Structure{{
      {"IntegerParameterRangeSpecification", bounds},
      {"ContinuousParameterRangeSpecification", bounds},
      {"CategoricalParameterRangeSpecification", values},
  }});
}

ShapePtr supported_hyper_parameters() {
  const ShapePtr parameter = shape(Structure{{
      {"Name", shape(String{.max = 256, .pattern = prose()}), kRequired},
      {"Description", description()},
      {"Type", one_of({"Integer", "Continuous", "Categorical", "FreeText"}), kRequired},
      {"Range", hyper_parameter_range()},
      {"IsTunable", boolean()},
      {"IsRequired", boolean()},
      {"DefaultValue", line(2500)},
  }});
  return shape(List{.min = 0, .max = 100, .element = parameter});
}

ShapePtr training_channels() {
  const ShapePtr channel = shape(Structure{{
      {"Name", channel_name(), kRequired},
      {"Description", description()},
      {"IsRequired", boolean()},
      {"SupportedContentTypes", shape(List{.element = line(256)}), kRequired},
      {"SupportedCompressionTypes", shape(List{.element = compression_type()})},
      {"SupportedInputModes", shape(List{.min = 1, .element = input_mode()}), kRequired},
  }});
  return shape(List{.min = 1, .max = 8, .element = channel});
}

ShapePtr training_specification() {
  const ShapePtr objective = shape(Structure{{
      {"Type", one_of({"Maximize", "Minimize"}), kRequired},
      {"MetricName", nonempty_line(255), kRequired},
  }});
  return shape(Structure{{
      {"TrainingImage", container_image(), kRequired},
      {"TrainingImageDigest", image_digest()},
      {"SupportedHyperParameters", supported_hyper_parameters()},
      {"SupportedTrainingInstanceTypes", shape(List{.element = training_instance_type()}), kRequired},
      {"SupportsDistributedTraining", boolean()},
      {"MetricDefinitions", metric_definitions()},
      {"TrainingChannels", training_channels(), kRequired},
      {"SupportedTuningJobObjectiveMetrics", shape(List{.element = objective})},
      {"AdditionalS3DataSource", unsupported("give what the algorithm needs as one more channel.")},
  }});
}

ShapePtr validation_specification() {
  const ShapePtr training = shape(Structure{{
      {"TrainingInputMode", input_mode(), kRequired},
      {"HyperParameters", hyper_parameters()},
      {"InputDataConfig", input_data_config(), kRequired},
      {"OutputDataConfig", output_data_config(), kRequired},
      {"ResourceConfig", resource_config(), kRequired},
      {"StoppingCondition", stopping_condition(), kRequired},
  }});
  const ShapePtr profile = shape(Structure{{
      {"ProfileName", entity_name(), kRequired},
      {"TrainingJobDefinition", training, kRequired},
      {"TransformJobDefinition", transform_job_definition()},
  }});
  return shape(Structure{{
      {"ValidationRole", role_arn(), kRequired},
      {"ValidationProfiles", shape(List{.min = 1, .max = 1, .element = profile}), kRequired},
  }});
}

ShapePtr make_create_input() {
  return shape(Structure{{
      {"AlgorithmName", entity_name(), kRequired},
      {"AlgorithmDescription", description()},
      {"TrainingSpecification", training_specification(), kRequired},
      {"InferenceSpecification", inference_specification()},
      {"ValidationSpecification", validation_specification()},
      {"CertifyForMarketplace", boolean()},
      {"Tags", tags()},
  }});
}

ShapePtr make_list_input() {
  return shape(Structure{{
      {"CreationTimeAfter", timestamp()},
      {"CreationTimeBefore", timestamp()},
      {"MaxResults", shape(Integer{.min = 1, .max = 100})},
      {"NameContains", shape(String{.max = 63, .pattern = Pattern(R"([a-zA-Z0-9\-]+)")})},
      {"NextToken", line(8192)},
      {"SortBy", one_of({"Name", "CreationTime"})},
      {"SortOrder", one_of({"Ascending", "Descending"})},
  }});
}

}  // namespace

const Shape& create_algorithm_input() {
  static const ShapePtr input = make_create_input();
  return *input;
}
const Shape& describe_algorithm_input() {
  static const ShapePtr input = shape(Structure{{{"AlgorithmName", arn_or_name(), kRequired}}});
  return *input;
}
const Shape& list_algorithms_input() {
  static const ShapePtr input = make_list_input();
  return *input;
}
const Shape& delete_algorithm_input() {
  static const ShapePtr input = shape(Structure{{{"AlgorithmName", entity_name(), kRequired}}});
  return *input;
}

}  // namespace holdfast::api::shapes
