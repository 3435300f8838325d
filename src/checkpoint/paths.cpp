#include "checkpoint/paths.hpp"

#include <cstdint>

namespace holdfast::checkpoint {
namespace {

// Calls `visit` for each part between slashes until it answers false.
template <class Visit>
bool every_part(std::string_view path, const Visit& visit) {
  for (;;) {
    const auto slash = path.find('/');
    if (!visit(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

// The length of the UTF-8 character that `text` begins with; 0 when it begins with none.
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
  // Overlong forms, surrogates and what lies beyond U+10FFFF.
  const auto second = byte(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
      (lead == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath || path.find('\0') != std::string_view::npos || !is_utf8(path))
    return false;
  return every_part(path, [](std::string_view part) { return !part.empty() && part != "." && part != ".."; });
}

bool is_excluded(std::string_view path) {
  return !every_part(path, [](std::string_view part) {
    return !(part.starts_with(".holdfast") || part.ends_with(".sagemaker-ignore") ||
             part.ends_with(".sagemaker-uploading") || part.ends_with(".sagemaker-uploaded"));
  });
}

}  // namespace holdfast::checkpoint
