#include "aws/credentials.hpp"

#include <fmt/format.h>

#include "aws/profile.hpp"
#include "base/file.hpp"

namespace holdfast::aws {

namespace {

std::string random_text(Random& random, std::string_view alphabet, std::size_t length) {
  // A power of two divides what the generator gives evenly, so every character is as likely as the next.
  std::string text;
  while (text.size() < length) text += alphabet[random.next() % alphabet.size()];
  return text;
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
  auto settings = read_profile(path, profile);
  if (!settings) return fail(std::move(settings.error()));
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
