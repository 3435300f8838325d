// Parts of a CreateTrainingJob that other inputs have as well.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

ShapePtr input_mode();
ShapePtr hyper_parameters();
ShapePtr metric_definitions();
ShapePtr channel_name();
ShapePtr compression_type();
ShapePtr input_data_config();
ShapePtr output_data_config();
ShapePtr resource_config();
ShapePtr stopping_condition();

}  // namespace holdfast::api::shapes
