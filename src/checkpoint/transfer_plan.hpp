// Compares the directory with what is already stored: what to upload, and what the next generation would be.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/manifest.hpp"

namespace holdfast::checkpoint {

// While these are the same, so is the content: any write changes at least a time.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

struct LocalFile {
  std::string path;
  FileIdentity identity;
  std::uint32_t mode = 0644;
};

struct UploadedFile {
  FileIdentity identity;  // of the local file when it was stored
  ManifestFile file;
  std::string first_block = {};  // see FileHash; empty: not known
};

struct TransferPlan {
  std::vector<LocalFile> upload;            // new or changed since it was stored
  std::vector<const ManifestFile*> stored;  // as they are now; the next generation, once `upload` is empty
  std::vector<bool> unchanged;              // of each local file: the last generation has it as it is
  std::vector<std::string> deleted;         // in the last generation, not in the directory
};

// Of the links that a scan found, those that a manifest can have beside its files: a folder that became a link while it
// was looked at was seen as both, and counts as the folder until the next scan. All are by path.
std::vector<Link> links_beside(const std::vector<LocalFile>& files, const std::vector<Link>& links);

// `local` and `last` (the files of the last generation) are sorted by path. The plan points into `uploaded`. It is made
// at each look, so one walk has to do, however many files there are.
TransferPlan plan_transfer(const std::vector<const LocalFile*>& local,
                           const std::map<std::string, UploadedFile>& uploaded, const std::vector<ManifestFile>& last);

}  // namespace holdfast::checkpoint
