#include "base/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace holdfast {

std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : (lead & 0xF0) == 0xE0        ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const auto second = byte(1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool no_character = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || no_character ? 0 : length;
}

std::size_t utf8_prefix(std::string_view text) {
  const auto size = text.size();
  while (!text.empty()) {
    // Nearly all of what comes is ASCII: eight bytes at once.
    std::uint64_t eight = 0;
    while (text.size() >= sizeof eight) {
      std::memcpy(&eight, text.data(), sizeof eight);
      if ((eight & 0x8080808080808080U) != 0) break;
      text.remove_prefix(sizeof eight);
    }
    if (text.empty()) break;
    const auto length = utf8_length(text);
    if (length == 0) break;
    text.remove_prefix(length);
  }
  return size - text.size();
}

bool has_lone_surrogate(std::string_view json) {
  bool half = false;  // the escape before this one was the first half of a pair
  for (auto at = json.find('\\'); at != json.npos; at = json.find('\\', at)) {
    unsigned code = 0;
    const auto* digits = json.data() + std::min(at + 2, json.size());
    const auto* end = json.data() + std::min(at + 6, json.size());
    const bool is_code =
        json.substr(at).starts_with("\\u") && end - digits == 4 && std::from_chars(digits, end, code, 16).ptr == end;
    const bool second = is_code && code >= 0xDC00 && code <= 0xDFFF;
    if (half != second) return true;
    half = is_code && code >= 0xD800 && code <= 0xDBFF;
    at += is_code ? 6 : 2;
    if (half && !json.substr(std::min(at, json.size())).starts_with("\\u")) return true;
  }
  return half;
}

std::string valid_utf8(std::string_view bytes, std::size_t limit) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string text;
  text.reserve(std::min(bytes.size(), limit));
  while (!bytes.empty()) {
    const auto length = utf8_length(bytes);
    const auto piece = length == 0 ? kReplacement : bytes.substr(0, length);
    if (text.size() + piece.size() > limit) break;
    text += piece;
    bytes.remove_prefix(std::max<std::size_t>(1, length));
  }
  return text;
}

}  // namespace holdfast
