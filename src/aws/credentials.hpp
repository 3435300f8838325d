// An access key and its secret, and the file in which AWS's clients look for them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/result.hpp"

namespace holdfast::aws {

constexpr std::size_t kMaxCredentialsFile = 1024 * 1024;

struct Credentials {
  std::string access_key;
  std::string secret;
  std::string session_token;  // empty: none
};

// A new pair: "HFAK" and 16 letters or digits, and 40 characters of base64. For real keys hand it a SystemRandom.
Credentials make_credentials(Random& random);

// A profile of a file such as AWS_SHARED_CREDENTIALS_FILE names. Kind::not_found: no such file or profile;
// Kind::invalid: the profile lacks a key. Messages never hold a secret.
Result<Credentials> read_credentials(const std::filesystem::path& path, std::string_view profile = "default");
// Such a file with one profile, readable by its owner only.
Result<void> write_credentials(const std::filesystem::path& path, const Credentials& credentials,
                               std::string_view profile = "default");

}  // namespace holdfast::aws
