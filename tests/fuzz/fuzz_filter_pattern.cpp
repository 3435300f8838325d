// A filter pattern on the first line, and what it is to be matched with behind it: neither may crash it or take for
// ever, and a pattern judges a message the same way twice.
#include "api/filter_pattern.hpp"
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const auto pattern = api::FilterPattern::parse(input.line());
  if (!pattern) {
    ENSURE(pattern.error().ends_with('.'), "no sentence: {}", pattern.error());
    return 0;
  }
  const auto copy = *pattern;
  ENSURE(copy.matches(input.rest()) == pattern->matches(input.rest()), "two answers");
  while (!input.empty()) (void)pattern->matches(input.line());
  return 0;
}
