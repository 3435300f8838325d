// The inputs of Search and GetSearchSuggestions: see shapes/training_job.hpp.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

const Shape& search_input();
const Shape& get_search_suggestions_input();

}  // namespace holdfast::api::shapes
