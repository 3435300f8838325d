// Objects into a folder, several at a time, long ones in ranges, all or nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/folder.hpp"
#include "agent/tasks.hpp"
#include "base/result.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

// Of small objects, each of which is mostly waiting; of others as many as Tasks::width() says.
constexpr std::size_t kParallelDownloads = 16;

struct Download {
  std::string key;
  std::uint64_t offset = 0;  // in the object; where it is not 0, the size is known
  std::string path;          // below the folder; checked with is_safe_path
  std::optional<std::uint64_t> size;
  std::string hash;           // empty: not known, and only the size is checked, where that is known
  std::int64_t mtime_ns = 0;  // 0: now
  std::uint32_t mode = 0644;
};

// Each file is written under a temporary name, checked as it comes, and renamed into place. After an error nothing of
// it remains. The identities are in the order of `files`. Kind::conflict: an object is, twice read, not what it should
// be. Kind::not_found: it is gone. Kind::invalid: a path that leads outside, or that is a file and a folder at once.
Result<std::vector<checkpoint::FileIdentity>> download_files(ports::ObjectStore& store, const std::string& bucket,
                                                             const std::vector<Download>& files, Folder& folder,
                                                             Tasks& tasks);

}  // namespace holdfast::agent
