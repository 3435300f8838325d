// What is there of STS and IAM: who asks, and that a role exists.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

const Shape& get_caller_identity_input();
const Shape& get_caller_identity_output();
const Shape& get_role_input();
const Shape& get_role_output();

}  // namespace holdfast::api::shapes
