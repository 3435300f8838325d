#include "aws/profile.hpp"

#include <algorithm>
#include <optional>

#include "aws/canonical.hpp"
#include "aws/credentials.hpp"
#include "base/file.hpp"

namespace holdfast::aws {

namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// The settings of one [profile], with their names in lower case; null when there is no such profile.
//   file = { "#" or ";" comment | "[" name "]" | name ("=" | ":") value }, a line each
std::optional<Profile> settings_of(std::string_view text, std::string_view profile) {
  std::optional<Profile> settings;
  bool inside = false;
  while (!text.empty()) {
    const auto line = trim(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      inside = trim(line.substr(1, line.find(']') - 1)) == profile;
      if (inside && !settings) settings.emplace();
      continue;
    }
    const auto mark = line.find_first_of("=:");
    if (inside && mark != std::string_view::npos)
      (*settings)[lower_case(trim(line.substr(0, mark)))] = trim(line.substr(mark + 1));
  }
  return settings;
}

}  // namespace

Result<Profile> read_profile(const std::filesystem::path& path, std::string_view profile) {
  const auto text = read_file(path, kMaxCredentialsFile);
  if (!text) return fail(text.error(), "reading credentials");
  auto settings = settings_of(*text, profile);
  if (!settings) return fail(Kind::not_found, "reading credentials from {}: there is no [{}]", path.string(), profile);
  return std::move(*settings);
}

}  // namespace holdfast::aws
