#include "api/shapes/search.hpp"

#include "api/shapes/common.hpp"

namespace holdfast::api::shapes {
namespace {

// More than fit into the levels that a request's JSON may have.
constexpr int kMaxNestedExpressions = 15;

ShapePtr resource() {
  return one_of({"TrainingJob", "Experiment", "ExperimentTrial", "ExperimentTrialComponent", "Endpoint", "ModelPackage",
                 "ModelPackageGroup", "Pipeline", "PipelineExecution", "FeatureGroup", "Project", "FeatureMetadata",
                 "HyperParameterTuningJob", "ModelCard", "Model"});
}

ShapePtr filters() {
  const ShapePtr filter = shape(Structure{{
      {"Name", nonempty_line(255), kRequired},
      {"Operator", one_of({"Equals", "NotEquals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan",
                           "LessThanOrEqualTo", "Contains", "Exists", "NotExists", "In"})},
      {"Value", nonempty_line(1024)},
  }});
  return shape(List{.min = 1, .max = 20, .element = filter});
}

ShapePtr search_expression() {
  const ShapePtr nested = shape(Structure{{
      {"NestedPropertyName", nonempty_line(255), kRequired},
      {"Filters", filters(), kRequired},
  }});
  ShapePtr inner = unsupported("expressions are nested too deeply; a flatter one says the same.");
  for (int level = 0; level < kMaxNestedExpressions; ++level) {
    const ShapePtr expression = shape(Structure{{
        {"Filters", filters()},
        {"NestedFilters", shape(List{.min = 1, .max = 20, .element = nested})},
        {"SubExpressions", inner},
        {"Operator", one_of({"And", "Or"})},
    }});
    if (level + 1 == kMaxNestedExpressions) return expression;
    inner = shape(List{.min = 1, .max = 20, .element = expression});
  }
  return inner;
}

ShapePtr make_search_input() {
  return shape(Structure{{
      {"Resource", resource(), kRequired},
      {"SearchExpression", search_expression()},
      {"SortBy", nonempty_line(255)},
      {"SortOrder", one_of({"Ascending", "Descending"})},
      {"NextToken", line(8192)},
      {"MaxResults", shape(Integer{.min = 1, .max = 100})},
      {"CrossAccountFilterOption", unsupported("there is one account only, so leave it out.", {R"("SameAccount")"})},
      {"VisibilityConditions", unsupported("every job is visible to everybody here, so leave it out.")},
  }});
}

ShapePtr make_suggestions_input() {
  const ShapePtr hint =
      shape(Structure{{{"PropertyNameHint", shape(String{.min = 0, .max = 100, .pattern = any_line()}), kRequired}}});
  const ShapePtr query = shape(Structure{{{"PropertyNameQuery", hint}}});
  return shape(Structure{{
      {"Resource", resource(), kRequired},
      {"SuggestionQuery", query},
  }});
}

}  // namespace

const Shape& search_input() {
  static const ShapePtr input = make_search_input();
  return *input;
}
const Shape& get_search_suggestions_input() {
  static const ShapePtr input = make_suggestions_input();
  return *input;
}

}  // namespace holdfast::api::shapes
