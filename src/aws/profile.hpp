// One profile of a file such as ~/.aws/credentials or ~/.aws/config.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace holdfast::aws {

// Settings by name, in lower case. Among them are secrets.
using Profile = std::map<std::string, std::string>;

// Kind::not_found: no such file or profile. The message names both, and nothing of what is in the file.
Result<Profile> read_profile(const std::filesystem::path& path, std::string_view profile);

}  // namespace holdfast::aws
