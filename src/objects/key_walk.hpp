// The keys of a bucket's directory in byte order, visiting only folders that can hold some of them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ports/object_store.hpp"

namespace holdfast::objects {

// Up to `limit` keys that begin with `prefix` and sort after `start_after`. What vanishes meanwhile is passed over.
Result<std::vector<ports::ObjectInfo>> walk_keys(const std::filesystem::path& bucket, const std::string& prefix,
                                                 const std::string& start_after, std::size_t limit);

}  // namespace holdfast::objects
