// Which relative paths may appear in a checkpoint or be written from an object key, and where symbolic links may lead.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::checkpoint {

constexpr std::size_t kMaxPath = 1024;  // bytes: what an S3 key can hold

// "a/b": not empty, not absolute, no empty, "." or ".." part, no NUL, valid UTF-8, at most kMaxPath bytes. Joined to a
// directory it stays below it, symbolic links aside.
bool is_safe_path(std::string_view path);
// "a" of "a/b", "" of "a".
std::string_view folder_of(std::string_view path);
// Files that are never part of a checkpoint: our own (".holdfast...") and those that SageMaker's programs mark so
// ("*.sagemaker-ignore", "*.sagemaker-uploading", "*.sagemaker-uploaded"). One such folder name excludes all below it.
bool is_excluded(std::string_view path);

// A symbolic link. A link of a checkpoint has a safe path and stays inside, see leads_to().
struct Link {
  std::string path;
  std::string target;  // as it stands in the link, at most kMaxPath bytes
  auto operator<=>(const Link&) const = default;
};

// What a link that stays inside the directory leads to: a path below it, "" for the directory itself. Nothing for any
// other: one with an absolute target, one that climbs out, and one that climbs after a name: the name may be another
// link. So whoever follows links that stay inside is inside, whatever they lead through. Nobody asks whether there is
// anything at the end.
std::optional<std::string> leads_to(const Link& link);

}  // namespace holdfast::checkpoint
