// The bodies of rpc-v2-cbor: what is understood must be written and read again as the same.
#include <nlohmann/json.hpp>

#include "api/shapes/cloudwatch.hpp"
#include "api/wire/cbor.hpp"
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  const auto value = api::wire::read_cbor({reinterpret_cast<const char*>(bytes), size});
  if (!value) {
    ENSURE(nlohmann::json::accept(api::to_json(value.error())), "a clear refusal");
    return 0;
  }
  const auto written = api::wire::write_cbor(*value);
  const auto again = api::wire::read_cbor(written);
  // As text: what is no number is equal to nothing, not even to itself.
  ENSURE(again && again->dump() == value->dump(), "{} became {}", value->dump(), again ? again->dump() : "nothing");
  static_cast<void>(api::wire::write_cbor(*value, api::shapes::get_metric_data_output()));
  static_cast<void>(api::validate(*value, api::shapes::put_metric_data_input()));
  return 0;
}
