// The JSON of a request: what we take, nlohmann's own parser takes, and reads the same; what we refuse, it refuses.
#include <nlohmann/json.hpp>

#include "api/rules.hpp"
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  const auto body = fuzz::Input(bytes, size).rest();
  const auto ours = api::parse_body(body);
  const auto theirs = nlohmann::json::parse(body, nullptr, false);
  if (ours) {
    ENSURE(!theirs.is_discarded(), "JSON that is none");
    ENSURE(*ours == theirs && ours->dump() == theirs.dump(), "read otherwise: {} for {}", ours->dump(), theirs.dump());
    return 0;
  }
  // We have limits, take no byte order mark and no zero for the end, and 0e999 is too large for RapidJSON.
  const auto& why = ours.error().message;
  const bool limited = why.find("deeper") != why.npos || why.find("too large") != why.npos ||
                       body.starts_with("\xEF\xBB\xBF") || body.find('\0') != body.npos;
  ENSURE(limited || !theirs.is_object(), "refused: {}", ours.error().message);
  return 0;
}
