#include "api/shapes/identity.hpp"

#include "api/shapes/common.hpp"

namespace holdfast::api::shapes {

const Shape& get_caller_identity_input() {
  static const ShapePtr input = shape(Structure{});
  return *input;
}

const Shape& get_caller_identity_output() {
  static const ShapePtr output = shape(Structure{{
      {"UserId", shape(String{})},
      {"Account", shape(String{})},
      {"Arn", shape(String{})},
  }});
  return *output;
}

const Shape& get_role_input() {
  static const ShapePtr input = shape(
      Structure{{{"RoleName", shape(String{.min = 1, .max = 64, .pattern = Pattern(R"([\w+=,.@-]+)")}), kRequired}}});
  return *input;
}

const Shape& get_role_output() {
  static const ShapePtr output = [] {
    const ShapePtr role = shape(Structure{{
        {"Path", shape(String{})},
        {"RoleName", shape(String{})},
        {"RoleId", shape(String{})},
        {"Arn", shape(String{})},
        {"CreateDate", timestamp()},
    }});
    return shape(Structure{{{"Role", role}}});
  }();
  return *output;
}

}  // namespace holdfast::api::shapes
