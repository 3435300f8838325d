#include "telemetry/utf8.hpp"

#include <algorithm>

#include "base/utf8.hpp"

namespace holdfast::telemetry {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

std::string valid_utf8(std::string_view bytes, std::size_t limit) {
  std::string text;
  text.reserve(std::min(bytes.size(), limit));
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    const auto piece = length == 0 ? kReplacement : bytes.substr(0, length);
    if (text.size() + piece.size() > limit) break;
    text += piece;
    bytes.remove_prefix(std::max<std::size_t>(1, length));
  }
  return text;
}

}  // namespace holdfast::telemetry
