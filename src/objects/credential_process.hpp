// Credentials that a program of the user's hands out: credential_process of a profile.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "objects/credential_source.hpp"

namespace holdfast::objects {

constexpr Duration kProcessLimit = minutes{1};

// Runs it, without a shell, and reads {"Version": 1, "AccessKeyId": ..., "SecretAccessKey": ..., "SessionToken": ...,
// "Expiration": ...}. Kind::try_again: it failed or took too long; Kind::permanent: there is no such program, or it
// says something else. Messages hold neither what it was told nor what it said.
Result<TimedCredentials> process_credentials(std::string_view command_line, Duration limit = kProcessLimit);

// The words of a command line, as a shell tells them apart by spaces, quotes and backslashes; nothing else means
// anything. Kind::invalid: a quote is not closed, or there is no word.
Result<std::vector<std::string>> split_words(std::string_view line);
// What it printed.
Result<TimedCredentials> parse_process_credentials(std::string_view text);

}  // namespace holdfast::objects
