// The numbers that JSON has no digits for. AWS's JSON protocols write them as text: "NaN", "Infinity", "-Infinity".
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/rules.hpp"

namespace holdfast::api::wire {

// Makes numbers of these texts, where the shape has a Float.
void read_floats(nlohmann::json& value, const Shape& shape);

}  // namespace holdfast::api::wire
