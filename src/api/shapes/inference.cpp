#include "api/shapes/inference.hpp"

#include "api/shapes/common.hpp"

namespace holdfast::api::shapes {
namespace {

// Types newer than the lists are accepted by their form: nothing here depends on them.
ShapePtr instance_type(std::vector<std::string> values) {
  return shape(String{.values = std::move(values), .other_values = Pattern(R"(ml\.[a-z0-9-]+\.[a-z0-9]+)")});
}

ShapePtr transform_instance_type() {
  return instance_type({"ml.m4.xlarge",     "ml.m4.2xlarge",   "ml.m4.4xlarge",   "ml.m4.10xlarge",  "ml.m4.16xlarge",
                        "ml.c4.xlarge",     "ml.c4.2xlarge",   "ml.c4.4xlarge",   "ml.c4.8xlarge",   "ml.p2.xlarge",
                        "ml.p2.8xlarge",    "ml.p2.16xlarge",  "ml.p3.2xlarge",   "ml.p3.8xlarge",   "ml.p3.16xlarge",
                        "ml.c5.xlarge",     "ml.c5.2xlarge",   "ml.c5.4xlarge",   "ml.c5.9xlarge",   "ml.c5.18xlarge",
                        "ml.m5.large",      "ml.m5.xlarge",    "ml.m5.2xlarge",   "ml.m5.4xlarge",   "ml.m5.12xlarge",
                        "ml.m5.24xlarge",   "ml.g4dn.xlarge",  "ml.g4dn.2xlarge", "ml.g4dn.4xlarge", "ml.g4dn.8xlarge",
                        "ml.g4dn.12xlarge", "ml.g4dn.16xlarge"});
}

ShapePtr endpoint_instance_type() {
  return instance_type(
      {"ml.t2.medium",     "ml.t2.large",     "ml.t2.xlarge",     "ml.t2.2xlarge",    "ml.m4.xlarge",
       "ml.m4.2xlarge",    "ml.m4.4xlarge",   "ml.m4.10xlarge",   "ml.m4.16xlarge",   "ml.m5.large",
       "ml.m5.xlarge",     "ml.m5.2xlarge",   "ml.m5.4xlarge",    "ml.m5.12xlarge",   "ml.m5.24xlarge",
       "ml.m5d.large",     "ml.m5d.xlarge",   "ml.m5d.2xlarge",   "ml.m5d.4xlarge",   "ml.m5d.12xlarge",
       "ml.m5d.24xlarge",  "ml.c4.large",     "ml.c4.xlarge",     "ml.c4.2xlarge",    "ml.c4.4xlarge",
       "ml.c4.8xlarge",    "ml.p2.xlarge",    "ml.p2.8xlarge",    "ml.p2.16xlarge",   "ml.p3.2xlarge",
       "ml.p3.8xlarge",    "ml.p3.16xlarge",  "ml.c5.large",      "ml.c5.xlarge",     "ml.c5.2xlarge",
       "ml.c5.4xlarge",    "ml.c5.9xlarge",   "ml.c5.18xlarge",   "ml.c5d.large",     "ml.c5d.xlarge",
       "ml.c5d.2xlarge",   "ml.c5d.4xlarge",  "ml.c5d.9xlarge",   "ml.c5d.18xlarge",  "ml.g4dn.xlarge",
       "ml.g4dn.2xlarge",  "ml.g4dn.4xlarge", "ml.g4dn.8xlarge",  "ml.g4dn.12xlarge", "ml.g4dn.16xlarge",
       "ml.r5.large",      "ml.r5.xlarge",    "ml.r5.2xlarge",    "ml.r5.4xlarge",    "ml.r5.12xlarge",
       "ml.r5.24xlarge",   "ml.r5d.large",    "ml.r5d.xlarge",    "ml.r5d.2xlarge",   "ml.r5d.4xlarge",
       "ml.r5d.12xlarge",  "ml.r5d.24xlarge", "ml.inf1.xlarge",   "ml.inf1.2xlarge",  "ml.inf1.6xlarge",
       "ml.inf1.24xlarge", "ml.c6i.large",    "ml.c6i.xlarge",    "ml.c6i.2xlarge",   "ml.c6i.4xlarge",
       "ml.c6i.8xlarge",   "ml.c6i.12xlarge", "ml.c6i.16xlarge",  "ml.c6i.24xlarge",  "ml.c6i.32xlarge",
       "ml.g5.xlarge",     "ml.g5.2xlarge",   "ml.g5.4xlarge",    "ml.g5.8xlarge",    "ml.g5.12xlarge",
       "ml.g5.16xlarge",   "ml.g5.24xlarge",  "ml.g5.48xlarge",   "ml.p4d.24xlarge",  "ml.c7g.large",
       "ml.c7g.xlarge",    "ml.c7g.2xlarge",  "ml.c7g.4xlarge",   "ml.c7g.8xlarge",   "ml.c7g.12xlarge",
       "ml.c7g.16xlarge",  "ml.m6g.large",    "ml.m6g.xlarge",    "ml.m6g.2xlarge",   "ml.m6g.4xlarge",
       "ml.m6g.8xlarge",   "ml.m6g.12xlarge", "ml.m6g.16xlarge",  "ml.m6gd.large",    "ml.m6gd.xlarge",
       "ml.m6gd.2xlarge",  "ml.m6gd.4xlarge", "ml.m6gd.8xlarge",  "ml.m6gd.12xlarge", "ml.m6gd.16xlarge",
       "ml.c6g.large",     "ml.c6g.xlarge",   "ml.c6g.2xlarge",   "ml.c6g.4xlarge",   "ml.c6g.8xlarge",
       "ml.c6g.12xlarge",  "ml.c6g.16xlarge", "ml.c6gd.large",    "ml.c6gd.xlarge",   "ml.c6gd.2xlarge",
       "ml.c6gd.4xlarge",  "ml.c6gd.8xlarge", "ml.c6gd.12xlarge", "ml.c6gd.16xlarge", "ml.c6gn.large",
       "ml.c6gn.xlarge",   "ml.c6gn.2xlarge", "ml.c6gn.4xlarge",  "ml.c6gn.8xlarge",  "ml.c6gn.12xlarge",
       "ml.c6gn.16xlarge", "ml.r6g.large",    "ml.r6g.xlarge",    "ml.r6g.2xlarge",   "ml.r6g.4xlarge",
       "ml.r6g.8xlarge",   "ml.r6g.12xlarge", "ml.r6g.16xlarge",  "ml.r6gd.large",    "ml.r6gd.xlarge",
       "ml.r6gd.2xlarge",  "ml.r6gd.4xlarge", "ml.r6gd.8xlarge",  "ml.r6gd.12xlarge", "ml.r6gd.16xlarge"});
}

ShapePtr anything(std::size_t max) { return shape(String{.max = max, .pattern = Pattern(R"([\S\s]*)")}); }

ShapePtr container() {
  const String key{.max = 1024, .pattern = Pattern("[a-zA-Z_][a-zA-Z0-9_]*")};
  const ShapePtr input = shape(Structure{
      {{"DataInputConfig", shape(String{.min = 1, .max = 1024, .pattern = Pattern(R"([\S\s]+)")}), kRequired}}});
  return shape(Structure{{
      {"ContainerHostname", shape(String{.max = 63, .pattern = Pattern("^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")})},
      {"Image", container_image(), kRequired},
      {"ImageDigest", image_digest()},
      {"ModelDataUrl", s3_uri()},
      {"ProductId", shape(String{.max = 256, .pattern = Pattern("^[a-zA-Z0-9](-*[a-zA-Z0-9])*$")})},
      {"Environment", shape(Map{.max = 16, .key = key, .value = anything(1024)})},
      {"ModelInput", input},
      {"Framework", shape(String{})},
      {"FrameworkVersion", shape(String{.min = 3, .max = 10, .pattern = Pattern(R"([0-9]\.[A-Za-z0-9.-]+)")})},
      {"NearestModelName", shape(String{})},
  }});
}

ShapePtr transform_source() {
  const ShapePtr s3 = shape(Structure{{
      {"S3DataType", one_of({"ManifestFile", "S3Prefix", "AugmentedManifestFile"}), kRequired},
      {"S3Uri", s3_uri(), kRequired},
  }});
  return shape(Structure{{{"S3DataSource", s3, kRequired}}});
}

}  // namespace

ShapePtr container_image() { return shape(String{.max = 255, .pattern = Pattern(R"([\S]+)")}); }

ShapePtr image_digest() { return shape(String{.max = 72, .pattern = Pattern("^[Ss][Hh][Aa]256:[0-9a-fA-F]{64}$")}); }

ShapePtr inference_specification() {
  const ShapePtr mime_type = shape(String{.max = 1024, .pattern = Pattern(R"(^[-\w]+\/.+$)")});
  return shape(Structure{{
      {"Containers", shape(List{.min = 1, .max = 15, .element = container()}), kRequired},
      {"SupportedTransformInstanceTypes", shape(List{.min = 1, .element = transform_instance_type()})},
      {"SupportedRealtimeInferenceInstanceTypes", shape(List{.element = endpoint_instance_type()})},
      {"SupportedContentTypes", shape(List{.element = line(256)}), kRequired},
      {"SupportedResponseMIMETypes", shape(List{.element = mime_type}), kRequired},
  }});
}

ShapePtr transform_job_definition() {
  // RE2 counts repetitions to a thousand only; the length is limited anyway.
  const String key{.max = 1024, .pattern = Pattern("[a-zA-Z_][a-zA-Z0-9_]{0,1023}", "[a-zA-Z_][a-zA-Z0-9_]*")};
  const ShapePtr input = shape(Structure{{
      {"DataSource", transform_source(), kRequired},
      {"ContentType", line(256)},
      {"CompressionType", one_of({"None", "Gzip"})},
      {"SplitType", one_of({"None", "Line", "RecordIO", "TFRecord"})},
  }});
  const ShapePtr output = shape(Structure{{
      {"S3OutputPath", s3_uri(), kRequired},
      {"Accept", line(256)},
      {"AssembleWith", one_of({"None", "Line"})},
      {"KmsKeyId", kms_key_id()},
  }});
  const ShapePtr resources = shape(Structure{{
      {"InstanceType", transform_instance_type(), kRequired},
      {"InstanceCount", shape(Integer{.min = 1}), kRequired},
      {"VolumeKmsKeyId", kms_key_id()},
  }});
  return shape(Structure{{
      {"MaxConcurrentTransforms", shape(Integer{.min = 0})},
      {"MaxPayloadInMB", shape(Integer{.min = 0})},
      {"BatchStrategy", one_of({"MultiRecord", "SingleRecord"})},
      {"Environment", shape(Map{.max = 16, .key = key, .value = anything(10240)})},
      {"TransformInput", input, kRequired},
      {"TransformOutput", output, kRequired},
      {"TransformResources", resources, kRequired},
  }});
}

}  // namespace holdfast::api::shapes
