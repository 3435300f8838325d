// The inputs of the algorithm operations, every member of SageMaker's model: see shapes/training_job.hpp.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

const Shape& create_algorithm_input();
const Shape& describe_algorithm_input();
const Shape& list_algorithms_input();
const Shape& delete_algorithm_input();

}  // namespace holdfast::api::shapes
