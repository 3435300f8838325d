#include "aws/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "aws/canonical.hpp"
#include "base/file.hpp"

namespace holdfast::aws {

namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string random_text(Random& random, std::string_view alphabet, std::size_t length) {
  // A power of two divides what the generator gives evenly, so every character is as likely as the next.
  std::string text;
  while (text.size() < length) text += alphabet[random.next() % alphabet.size()];
  return text;
}

// The settings of one [profile], with their names in lower case; null when there is no such profile.
//   file = { "#" or ";" comment | "[" name "]" | name ("=" | ":") value }, a line each
std::optional<std::map<std::string, std::string>> settings_of(std::string_view text, std::string_view profile) {
  std::optional<std::map<std::string, std::string>> settings;
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

Credentials make_credentials(Random& random) {
  static constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  static constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Credentials credentials;
  credentials.access_key = "HFAK" + random_text(random, kBase32, 16);
  credentials.secret = random_text(random, kBase64, 40);
  return credentials;
}

Result<Credentials> read_credentials(const std::filesystem::path& path, std::string_view profile) {
  const auto text = read_file(path, kMaxCredentialsFile);
  if (!text) return fail(text.error(), "reading credentials");
  auto settings = settings_of(*text, profile);
  if (!settings) return fail(Kind::not_found, "reading credentials from {}: there is no [{}]", path.string(), profile);
  for (const char* needed : {"aws_access_key_id", "aws_secret_access_key"})
    if ((*settings)[needed].empty())
      return fail(Kind::invalid, "reading credentials from {}: [{}] has no {}", path.string(), profile, needed);
  return Credentials{(*settings)["aws_access_key_id"], (*settings)["aws_secret_access_key"],
                     (*settings)["aws_session_token"]};
}

Result<void> write_credentials(const std::filesystem::path& path, const Credentials& credentials,
                               std::string_view profile) {
  auto text = fmt::format("[{}]\naws_access_key_id = {}\naws_secret_access_key = {}\n", profile, credentials.access_key,
                          credentials.secret);
  if (!credentials.session_token.empty()) text += fmt::format("aws_session_token = {}\n", credentials.session_token);
  return write_file_atomically(path, text, 0600);
}

}  // namespace holdfast::aws
