// Which relative paths may appear in a checkpoint or be written from an object key.
#pragma once

#include <string_view>

namespace holdfast::checkpoint {

constexpr std::size_t kMaxPath = 1024;  // bytes: what an S3 key can hold

// "a/b": not empty, not absolute, no empty, "." or ".." part, no NUL, valid UTF-8, at most kMaxPath bytes. Joined to a
// directory it stays below it, symbolic links aside.
bool is_safe_path(std::string_view path);
// Files that are never part of a checkpoint: our own (".holdfast...") and those that SageMaker's programs mark so
// ("*.sagemaker-ignore", "*.sagemaker-uploading", "*.sagemaker-uploaded"). One such folder name excludes all below it.
bool is_excluded(std::string_view path);

}  // namespace holdfast::checkpoint
