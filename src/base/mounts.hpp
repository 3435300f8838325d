// What is mounted below a directory, and how to be rid of it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// Mount points strictly below the directory, from the text of /proc/self/mountinfo: what is mounted last comes first.
std::vector<std::string> mounts_below(std::string_view mountinfo, const std::filesystem::path& directory);
// Unmounts them all: their names are free at once, and what somebody still has open goes when it is closed. Also for a
// user who is not root, for what that user mounted by FUSE. Best effort.
void detach_mounts_below(const std::filesystem::path& directory);

}  // namespace holdfast
