// What an algorithm says of inference. Nothing here runs any, but CreateAlgorithm's callers send it, so it is checked
// and echoed.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

ShapePtr container_image();
ShapePtr image_digest();
ShapePtr inference_specification();
ShapePtr transform_job_definition();

}  // namespace holdfast::api::shapes
