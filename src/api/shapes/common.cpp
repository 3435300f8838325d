#include "api/shapes/common.hpp"

#include <fmt/format.h>

#include <utility>

namespace holdfast::api::shapes {

const Pattern& any_line() {
  static const Pattern pattern(".*", R"([^\n\r\x{85}\x{2028}\x{2029}]*)");
  return pattern;
}
const Pattern& nonempty_line() {
  static const Pattern pattern(".+", R"([^\n\r\x{85}\x{2028}\x{2029}]+)");
  return pattern;
}

ShapePtr line(std::size_t max) { return shape(String{.max = max, .pattern = any_line()}); }
ShapePtr line(std::size_t min, std::size_t max) { return shape(String{.min = min, .max = max, .pattern = any_line()}); }
ShapePtr nonempty_line(std::size_t max) { return shape(String{.min = 1, .max = max, .pattern = nonempty_line()}); }
ShapePtr one_of(std::vector<std::string> values) { return shape(String{.values = std::move(values)}); }
ShapePtr boolean() { return shape(Boolean{}); }
ShapePtr timestamp() { return shape(Timestamp{}); }
ShapePtr unsupported(std::string advice, std::vector<std::string> harmless) {
  return shape(Unsupported{std::move(advice), std::move(harmless)});
}

ShapePtr name(std::size_t max) {
  return shape(
      String{.min = 1, .max = max, .pattern = Pattern(fmt::format("^[a-zA-Z0-9](-*[a-zA-Z0-9]){{0,{}}}", max - 1))});
}

ShapePtr arn_or_name() {
  // The look-behind only says that the name must not end in a hyphen.
  return shape(String{
      .min = 1,
      .max = 170,
      .pattern = Pattern(
          R"((arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)$)",
          R"((arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)")});
}

ShapePtr role_arn() {
  return shape(String{
      .min = 20, .max = 2048, .pattern = Pattern(R"(^arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$)")});
}

ShapePtr s3_uri() { return shape(String{.max = 1024, .pattern = Pattern("^(https|s3)://([^/]+)/?(.*)$")}); }

ShapePtr kms_key_id() { return line(2048); }

namespace {
const Pattern& tag_characters() {
  static const Pattern pattern(R"(^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$)");
  return pattern;
}
}  // namespace

ShapePtr tag_key() { return shape(String{.min = 1, .max = 128, .pattern = tag_characters()}); }

ShapePtr tags() {
  const ShapePtr tag = shape(Structure{{
      {"Key", tag_key(), kRequired},
      {"Value", shape(String{.min = 0, .max = 256, .pattern = tag_characters()}), kRequired},
  }});
  return shape(List{.min = 0, .max = 50, .element = tag});
}

ShapePtr vpc_config() {
  const ShapePtr id = shape(String{.max = 32, .pattern = Pattern("[-0-9a-zA-Z]+")});
  return shape(Structure{{
      {"SecurityGroupIds", shape(List{.min = 1, .max = 5, .element = id}), kRequired},
      {"Subnets", shape(List{.min = 1, .max = 16, .element = id}), kRequired},
  }});
}

ShapePtr training_instance_type() {
  return shape(String{
      .values = {"ml.m4.xlarge",     "ml.m4.2xlarge",   "ml.m4.4xlarge",    "ml.m4.10xlarge",  "ml.m4.16xlarge",
                 "ml.g4dn.xlarge",   "ml.g4dn.2xlarge", "ml.g4dn.4xlarge",  "ml.g4dn.8xlarge", "ml.g4dn.12xlarge",
                 "ml.g4dn.16xlarge", "ml.m5.large",     "ml.m5.xlarge",     "ml.m5.2xlarge",   "ml.m5.4xlarge",
                 "ml.m5.12xlarge",   "ml.m5.24xlarge",  "ml.c4.xlarge",     "ml.c4.2xlarge",   "ml.c4.4xlarge",
                 "ml.c4.8xlarge",    "ml.p2.xlarge",    "ml.p2.8xlarge",    "ml.p2.16xlarge",  "ml.p3.2xlarge",
                 "ml.p3.8xlarge",    "ml.p3.16xlarge",  "ml.p3dn.24xlarge", "ml.p4d.24xlarge", "ml.c5.xlarge",
                 "ml.c5.2xlarge",    "ml.c5.4xlarge",   "ml.c5.9xlarge",    "ml.c5.18xlarge",  "ml.c5n.xlarge",
                 "ml.c5n.2xlarge",   "ml.c5n.4xlarge",  "ml.c5n.9xlarge",   "ml.c5n.18xlarge", "ml.g5.xlarge",
                 "ml.g5.2xlarge",    "ml.g5.4xlarge",   "ml.g5.8xlarge",    "ml.g5.16xlarge",  "ml.g5.12xlarge",
                 "ml.g5.24xlarge",   "ml.g5.48xlarge",  "ml.trn1.2xlarge",  "ml.trn1.32xlarge"},
      .other_values = Pattern(R"(ml\.[a-z0-9-]+\.[a-z0-9]+)")});
}

}  // namespace holdfast::api::shapes
