#include "api/shapes/debugger.hpp"

#include "api/shapes/common.hpp"

namespace holdfast::api::shapes {
namespace {

ShapePtr parameters(std::size_t max) {
  const String key{.min = 1, .max = 256, .pattern = any_line()};
  return shape(Map{.min = 0, .max = max, .key = key, .value = line(256)});
}

ShapePtr local_path() { return line(4096); }

ShapePtr processing_instance_type() {
  return shape(
      String{.values = {"ml.t3.medium",    "ml.t3.large",     "ml.t3.xlarge",     "ml.t3.2xlarge",   "ml.m4.xlarge",
                        "ml.m4.2xlarge",   "ml.m4.4xlarge",   "ml.m4.10xlarge",   "ml.m4.16xlarge",  "ml.c4.xlarge",
                        "ml.c4.2xlarge",   "ml.c4.4xlarge",   "ml.c4.8xlarge",    "ml.p2.xlarge",    "ml.p2.8xlarge",
                        "ml.p2.16xlarge",  "ml.p3.2xlarge",   "ml.p3.8xlarge",    "ml.p3.16xlarge",  "ml.c5.xlarge",
                        "ml.c5.2xlarge",   "ml.c5.4xlarge",   "ml.c5.9xlarge",    "ml.c5.18xlarge",  "ml.m5.large",
                        "ml.m5.xlarge",    "ml.m5.2xlarge",   "ml.m5.4xlarge",    "ml.m5.12xlarge",  "ml.m5.24xlarge",
                        "ml.r5.large",     "ml.r5.xlarge",    "ml.r5.2xlarge",    "ml.r5.4xlarge",   "ml.r5.8xlarge",
                        "ml.r5.12xlarge",  "ml.r5.16xlarge",  "ml.r5.24xlarge",   "ml.g4dn.xlarge",  "ml.g4dn.2xlarge",
                        "ml.g4dn.4xlarge", "ml.g4dn.8xlarge", "ml.g4dn.12xlarge", "ml.g4dn.16xlarge"},
             .other_values = Pattern(R"(ml\.[a-z0-9-]+\.[a-z0-9]+)")});
}

}  // namespace

ShapePtr debug_hook_config() {
  const ShapePtr collection = shape(Structure{{
      {"CollectionName", line(1, 256)},
      {"CollectionParameters", parameters(20)},
  }});
  return shape(Structure{{
      {"LocalPath", local_path()},
      {"S3OutputPath", s3_uri(), kRequired},
      {"HookParameters", parameters(20)},
      {"CollectionConfigurations", shape(List{.min = 0, .max = 20, .element = collection})},
  }});
}

ShapePtr rule_configurations() {
  const ShapePtr rule = shape(Structure{{
      {"RuleConfigurationName", line(1, 256), kRequired},
      {"LocalPath", local_path()},
      {"S3OutputPath", s3_uri()},
      {"RuleEvaluatorImage", line(255), kRequired},
      {"InstanceType", processing_instance_type()},
      {"VolumeSizeInGB", shape(Integer{.min = 0})},
      {"RuleParameters", parameters(100)},
  }});
  return shape(List{.min = 0, .max = 20, .element = rule});
}

ShapePtr tensor_board_output_config() {
  return shape(Structure{{
      {"LocalPath", local_path()},
      {"S3OutputPath", s3_uri(), kRequired},
  }});
}

ShapePtr experiment_config() {
  return shape(Structure{{
      {"ExperimentName", name(120)},
      {"TrialName", name(120)},
      {"TrialComponentDisplayName", name(120)},
      {"RunName", name(120)},
  }});
}

ShapePtr profiler_config() {
  return shape(Structure{{
      {"S3OutputPath", s3_uri()},
      {"ProfilingIntervalInMilliseconds", shape(Long{})},
      {"ProfilingParameters", parameters(20)},
      {"DisableProfiler", boolean()},
  }});
}

}  // namespace holdfast::api::shapes
