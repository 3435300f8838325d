// Where FileStore keeps the object of a key, and the key of a file. Any key that S3 allows has a place of its own,
// whatever else exists: `a`, `a/b`, `a//b` and `a/../b` may all be objects. Plain names stay readable:
//
//   key part                      on disk
//   folder   "job-1/"             job-1+          (so that an object job-1 can lie beside it)
//   object   "model.tar.gz"       model.tar.gz
//   object   "" (key ends in /)   %
//   first 80 bytes of a longer    those and a '%', a folder that the rest of the part lies in
//
// '%', control characters, an object's last '+', and the objects "." and ".." are written as %XX.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace holdfast::objects {

constexpr std::size_t kMaxKeyBytes = 1024;

// Relative to the bucket's folder, folder by folder, the last one being the file. Kind::invalid: not a key.
Result<std::vector<std::string>> file_of_key(std::string_view key);

// What a directory entry adds to the key of its directory; nothing for what is not ours.
std::optional<std::string> key_part_of_folder(std::string_view name);
std::optional<std::string> key_part_of_object(std::string_view name);

// 3 to 63 characters of a-z, 0-9, '.' and '-', as S3 has them.
bool is_bucket_name(std::string_view name);

}  // namespace holdfast::objects
