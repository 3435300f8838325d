// Debugger, Profiler, TensorBoard and Experiments: nothing here runs them, but SageMaker's SDK sends them with every
// job, so they are checked and echoed.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

ShapePtr debug_hook_config();
// DebugRuleConfigurations and ProfilerRuleConfigurations alike.
ShapePtr rule_configurations();
ShapePtr tensor_board_output_config();
ShapePtr experiment_config();
ShapePtr profiler_config();

}  // namespace holdfast::api::shapes
