// The keys of a bucket's directory in byte order, visiting only folders that can hold some of them.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace holdfast::objects {

struct FoundKey {
  std::string key;
  struct stat status {};
};

// Up to `limit` keys that begin with `prefix` and sort after `start_after`. What vanishes meanwhile is passed over.
Result<std::vector<FoundKey>> walk_keys(const std::filesystem::path& bucket, const std::string& prefix,
                                        const std::string& start_after, std::size_t limit);

}  // namespace holdfast::objects
