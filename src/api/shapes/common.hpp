// The named types that many of SageMaker's inputs are made of.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

// ".*" and ".+": no line breaks of any kind, as Java's dot has it.
const Pattern& any_line();
const Pattern& nonempty_line();

ShapePtr line(std::size_t max);
ShapePtr line(std::size_t min, std::size_t max);
ShapePtr nonempty_line(std::size_t max);
ShapePtr one_of(std::vector<std::string> values);
ShapePtr boolean();
ShapePtr timestamp();
// All values but the harmless ones, which ask for nothing.
ShapePtr unsupported(std::string advice, std::vector<std::string> harmless = {});

// Letters, digits and inner hyphens.
ShapePtr name(std::size_t max);
// An algorithm: its ARN or its name.
ShapePtr arn_or_name();
ShapePtr role_arn();
ShapePtr s3_uri();
ShapePtr kms_key_id();
ShapePtr tag_key();
ShapePtr tags();
ShapePtr vpc_config();
ShapePtr training_instance_type();

}  // namespace holdfast::api::shapes
