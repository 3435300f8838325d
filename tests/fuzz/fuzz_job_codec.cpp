// What the store and an agent's report hold, a kind and its JSON in two lines: what was read is written and read again
// as the same.
#include "fuzz/input.hpp"
#include "job/codec.hpp"
#include "job/invariants.hpp"
#include "job/summary.hpp"

namespace holdfast::fuzz {
namespace {

template <class Decode, class Encode>
auto check(std::string_view text, const Decode& decode, const Encode& encode) {
  auto value = decode(text);
  if (value) {
    const auto written = encode(*value);
    const auto again = decode(written);
    ENSURE(again, "{}", again.error().message);
    ENSURE(encode(*again) == written, "it changes each time that it is stored");
  } else {
    ENSURE(!value.error().message.empty(), "no reason");
  }
  return value;
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  using fuzz::check;
  fuzz::Input input(bytes, size);
  const auto kind = input.line();
  const auto text = input.rest();
  if (kind == "event") (void)check(text, job::decode_event, job::encode_event);
  if (kind == "effect") (void)check(text, job::decode_effect, job::encode_effect);
  if (kind == "spec") (void)check(text, job::decode_spec, job::encode_spec);
  if (kind == "job") {
    const auto spec = std::make_shared<const job::JobSpec>();
    const auto decode = [&](std::string_view stored) { return job::decode_job(stored, spec); };
    const auto job = check(text, decode, job::encode_job);
    if (job) job::broken_invariants(*job);
  }
  return 0;
}
