#include "objects/key_path.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace holdfast::objects {
namespace {

// A file name has room for 255 bytes: 80, each written as %XX, and a mark.
constexpr std::size_t kLongPart = 80;
constexpr char kFolder = '+';
constexpr char kContinued = '%';
constexpr std::string_view kEmptyObject = "%";

std::string escaped(char c) { return fmt::format("%{:02X}", static_cast<std::uint8_t>(c)); }

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (c == '%' || byte < 0x20 || byte == 0x7F) {
      out += escaped(c);
    } else {
      out += c;
    }
  }
  return out;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text[0] != '%') {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    std::uint8_t byte = 0;
    if (text.size() < 3) return std::nullopt;
    const auto parsed = std::from_chars(text.data() + 1, text.data() + 3, byte, 16);
    if (parsed.ptr != text.data() + 3) return std::nullopt;
    out += static_cast<char>(byte);
    text.remove_prefix(3);
  }
  return out;
}

std::string object_name(std::string_view part) {
  if (part.empty()) return std::string(kEmptyObject);
  if (part == "." || part == "..") return escaped('.') + std::string(part.substr(1));
  if (part.back() == kFolder) return escape(part.substr(0, part.size() - 1)) + escaped(kFolder);
  return escape(part);
}

}  // namespace

Result<std::vector<std::string>> file_of_key(std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyBytes) {
    return fail(Kind::invalid, "an object key has 1 to {} bytes, this one has {}", kMaxKeyBytes, key.size());
  }
  std::vector<std::string> names;
  for (;;) {
    const auto slash = key.find('/');
    const bool last = slash == std::string_view::npos;
    auto part = key.substr(0, slash);
    // Decided by the first bytes alone, so that all keys with the same 80 bytes lie together and lists stay in order.
    while (part.size() >= kLongPart) {
      names.push_back(escape(part.substr(0, kLongPart)) + kContinued);
      part.remove_prefix(kLongPart);
    }
    names.push_back(last ? object_name(part) : escape(part) + kFolder);
    if (last) return names;
    key.remove_prefix(slash + 1);
  }
}

std::optional<std::string> key_part_of_folder(std::string_view name) {
  if (name.empty() || (name.back() != kFolder && name.back() != kContinued)) return std::nullopt;
  auto part = unescape(name.substr(0, name.size() - 1));
  if (part && name.back() == kFolder) *part += '/';
  return part;
}

std::optional<std::string> key_part_of_object(std::string_view name) {
  if (name == kEmptyObject) return "";
  return unescape(name);
}

bool is_bucket_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && plain(name.front()) && plain(name.back()) &&
         name.find("..") == std::string_view::npos &&
         std::ranges::all_of(name, [&](char c) { return plain(c) || c == '.' || c == '-'; });
}

}  // namespace holdfast::objects
