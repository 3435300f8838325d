#include "telemetry/log_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace holdfast::telemetry {

namespace {

constexpr char kGoesOn = '+';
constexpr std::size_t kMaxJobName = 63;
constexpr std::size_t kMaxStreamWord = 200;

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7f && c != '/' && c != '%';
}

std::string encoded(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (is_plain(c)) {
      text += c;
    } else {
      text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      name += text[i];
      continue;
    }
    unsigned byte = 0;
    const char* digits = text.data() + i + 1;
    if (i + 2 >= text.size() || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) return std::nullopt;
    name += static_cast<char>(byte);
    i += 2;
  }
  return name;
}

// One word of a path: nothing that leads out of the directory, and no hidden file.
bool is_word(std::string_view word, std::size_t limit) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  return !word.empty() && word.size() <= limit && word[0] != '.' &&
         word.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

std::optional<std::filesystem::path> path_of_stream(std::string_view name) {
  if (name.empty() || name.size() > kMaxStreamNameBytes) return std::nullopt;
  std::string rest = encoded(name);
  std::filesystem::path path;
  while (rest.size() > kMaxFileNamePart) {
    path /= rest.substr(0, kMaxFileNamePart) + kGoesOn;
    rest.erase(0, kMaxFileNamePart);
  }
  return path / (rest + std::string(kLogSuffix));
}

std::optional<std::string> stream_of_path(const std::filesystem::path& relative) {
  std::string text;
  for (const auto& part : relative) text += part.string() + "/";
  const std::string end = std::string(kLogSuffix) + "/";
  if (!text.ends_with(end)) return std::nullopt;
  text.resize(text.size() - end.size());
  const std::string joint = std::string(1, kGoesOn) + "/";
  for (auto at = text.find(joint); at != std::string::npos; at = text.find(joint, at)) text.erase(at, joint.size());
  auto name = decoded(text);
  // Whatever else lies there is not ours.
  if (!name || path_of_stream(*name) != relative) return std::nullopt;
  return name;
}

bool is_job_word(std::string_view word) { return is_word(word, kMaxJobName); }

bool is_training_stream(std::string_view name) {
  const auto slash = name.find('/');
  return slash != std::string_view::npos && is_job_word(name.substr(0, slash)) &&
         is_word(name.substr(slash + 1), kMaxStreamWord);
}

}  // namespace holdfast::telemetry
