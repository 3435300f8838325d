#include "api/shapes/tagging.hpp"

#include "api/shapes/common.hpp"

namespace holdfast::api::shapes {
namespace {

ShapePtr resource_arn() {
  return shape(String{.max = 256, .pattern = Pattern("arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:.+")});
}

}  // namespace

const Shape& add_tags_input() {
  static const ShapePtr input =
      shape(Structure{{{"ResourceArn", resource_arn(), kRequired}, {"Tags", tags(), kRequired}}});
  return *input;
}
const Shape& list_tags_input() {
  static const ShapePtr input = shape(Structure{{{"ResourceArn", resource_arn(), kRequired},
                                                 {"NextToken", line(8192)},
                                                 {"MaxResults", shape(Integer{.min = 50})}}});
  return *input;
}
const Shape& delete_tags_input() {
  static const ShapePtr input =
      shape(Structure{{{"ResourceArn", resource_arn(), kRequired},
                       {"TagKeys", shape(List{.min = 1, .max = 50, .element = tag_key()}), kRequired}}});
  return *input;
}

}  // namespace holdfast::api::shapes
