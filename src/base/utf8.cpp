#include "base/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

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

namespace {

// What an escape like \u00e4 stands for; none where there is no such escape.
std::optional<unsigned> escaped_unit(std::string_view json, std::size_t at) {
  const auto escape = json.substr(std::min(at, json.size()), 6);
  if (escape.size() < 6 || !escape.starts_with("\\u")) return std::nullopt;
  unsigned unit = 0;
  const auto* end = escape.data() + escape.size();
  return std::from_chars(escape.data() + 2, end, unit, 16).ptr == end ? std::optional(unit) : std::nullopt;
}
bool is_second_half(std::optional<unsigned> unit) { return unit && *unit >= 0xDC00 && *unit <= 0xDFFF; }
bool is_first_half(std::optional<unsigned> unit) { return unit && *unit >= 0xD800 && *unit <= 0xDBFF; }

// Where the first escape begins that is half of a surrogate pair; the length of the text where there is none.
std::size_t lone_surrogate(std::string_view json) {
  for (auto at = json.find('\\'); at < json.size(); at = json.find('\\', at)) {
    const auto unit = escaped_unit(json, at);
    const bool pair = is_first_half(unit) && is_second_half(escaped_unit(json, at + 6));
    if (!pair && (is_first_half(unit) || is_second_half(unit))) return at;
    at += pair ? 12 : unit ? 6 : 2;
  }
  return json.size();
}

}  // namespace

std::size_t json_prefix(std::string_view text) {
  return std::min({utf8_prefix(text), text.find('\0'), lone_surrogate(text)});
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
