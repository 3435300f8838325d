// Opening files below a directory that a program may write to: never through a symbolic link, so never outside.
#pragma once

#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "base/result.hpp"
#include "checkpoint/transfer_plan.hpp"

struct stat;

namespace holdfast::agent {

Result<Fd> open_directory(const std::filesystem::path& path);
// `path` is relative and safe (checkpoint/paths.hpp). Kind::not_found where it or a folder on the way is missing;
// Kind::invalid where a part is a link, or a file that should be a folder.
Result<Fd> open_beneath(int directory, const std::string& path, int flags, unsigned mode = 0);
// The folder that `path` lies in.
Result<Fd> parent_beneath(int directory, const std::string& path);
// The same, made with its parents where missing.
Result<Fd> make_parent_beneath(int directory, const std::string& path);
std::string file_name_of(const std::string& path);

checkpoint::FileIdentity identity_of(const struct stat& status);

}  // namespace holdfast::agent
