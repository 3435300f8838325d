// The forms of the Query protocol: a line with the operation's name, then the form. What is understood must be an
// object that the rules can judge.
#include <nlohmann/json.hpp>

#include "api/rules.hpp"
#include "api/shapes/cloudwatch.hpp"
#include "api/shapes/identity.hpp"
#include "api/wire/form.hpp"
#include "fuzz/input.hpp"

namespace {

const holdfast::api::Shape& shape_of(std::string_view operation) {
  namespace shapes = holdfast::api::shapes;
  if (operation == "PutMetricData") return shapes::put_metric_data_input();
  if (operation == "GetMetricStatistics") return shapes::get_metric_statistics_input();
  if (operation == "ListMetrics") return shapes::list_metrics_input();
  if (operation == "GetRole") return shapes::get_role_input();
  return shapes::get_metric_data_input();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const auto& shape = shape_of(input.line());
  const auto form = input.rest();
  static_cast<void>(api::wire::find_parameter(form, "Action"));
  const auto request = api::wire::read_form(form, shape);
  if (!request) {
    ENSURE(nlohmann::json::accept(api::to_json(request.error())), "a clear refusal");
    return 0;
  }
  ENSURE(request->is_object(), "a request is an object");
  // Types were made as the shape has them; only a number or a time may lie beyond what it takes.
  static_cast<void>(api::validate(*request, shape));
  return 0;
}
