// The forms of the Query protocol: a line with the operation's target, then the form. What is understood must be JSON
// that the rules can judge.
#include <nlohmann/json.hpp>

#include "api/protocol.hpp"
#include "api/rules.hpp"
#include "api/wire/form.hpp"
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const auto* entry = api::find_operation(input.line());
  if (!entry || !entry->input) entry = api::find_operation("GraniteServiceVersion20100801.GetMetricData");
  const auto form = input.rest();
  static_cast<void>(api::wire::find_parameter(form, "Action"));
  const auto request = api::wire::read_form(form, entry->input());
  if (!request) {
    ENSURE(request.error().status < 500 && nlohmann::json::accept(api::to_json(request.error())), "a clear refusal");
    return 0;
  }
  ENSURE(request->is_object(), "a request is an object");
  static_cast<void>(api::validate(*request, entry->input()));
  return 0;
}
