// The inputs of the tag operations: see shapes/training_job.hpp.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

const Shape& add_tags_input();
const Shape& list_tags_input();
const Shape& delete_tags_input();

}  // namespace holdfast::api::shapes
