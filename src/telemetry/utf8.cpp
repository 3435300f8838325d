#include "telemetry/utf8.hpp"

#include <algorithm>

namespace holdfast::telemetry {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The length of the valid sequence that `bytes` begins with; 0 when there is none. Overlong forms, surrogates and what
// lies beyond U+10FFFF are invalid (RFC 3629).
std::size_t sequence_length(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first <= 0xDF ? 2 : (first & 0xF0) == 0xE0 ? 3 : 0;
  const std::size_t whole = first >= 0xF0 && first <= 0xF4 ? 4 : length;
  if (whole == 0 || bytes.size() < whole) return 0;
  for (std::size_t i = 1; i < whole; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = at(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool no_character = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return overlong || no_character ? 0 : whole;
}

}  // namespace

std::string valid_utf8(std::string_view bytes, std::size_t limit) {
  std::string text;
  text.reserve(std::min(bytes.size(), limit));
  while (!bytes.empty()) {
    const std::size_t length = sequence_length(bytes);
    const auto piece = length == 0 ? kReplacement : bytes.substr(0, length);
    if (text.size() + piece.size() > limit) break;
    text += piece;
    bytes.remove_prefix(std::max<std::size_t>(1, length));
  }
  return text;
}

}  // namespace holdfast::telemetry
