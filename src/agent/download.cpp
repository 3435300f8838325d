#include "agent/download.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "checkpoint/hash.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::agent {
namespace {

using checkpoint::FileIdentity;

class Downloads {
 public:
  Downloads(ports::ObjectStore& store, const std::string& bucket, const std::vector<Download>& files, Folder& folder)
      : store_(store), bucket_(bucket), files_(files), folder_(folder), identities_(files.size()) {}

  Result<std::vector<FileIdentity>> run(Tasks& tasks) {
    {
      std::vector<std::unique_ptr<Task>> workers;
      const auto count = std::min(kParallelDownloads, files_.size());
      while (workers.size() < count) workers.push_back(tasks.start([this] { work(); }));
    }
    if (!error_) return std::move(identities_);
    for (const auto i : placed_) folder_.remove(files_[i].path);
    return fail(*error_);
  }

 private:
  void work() {
    while (!failed_) {
      const auto i = next_++;
      if (i >= files_.size()) return;
      auto placed = fetch(files_[i]);
      // Once more: damage on the way is not damage in the store.
      if (!placed && placed.error().kind == Kind::conflict) placed = fetch(files_[i]);
      const std::lock_guard lock(mutex_);
      if (placed) {
        identities_[i] = *placed;
        placed_.push_back(i);
      } else {
        if (!error_) error_ = placed.error();
        failed_ = true;
      }
    }
  }

  Result<FileIdentity> fetch(const Download& file) {
    auto target = folder_.create(file.path);
    if (!target) return fail(target.error());
    checkpoint::Hasher hasher;
    const auto bytes = store_.get_file(bucket_, file.key, (*target)->fd(), [&](std::string_view block) {
      if (!file.hash.empty()) hasher.add(block);
    });
    if (!bytes) return fail(bytes.error(), "downloading {}", file.path);
    if (file.size && *bytes != *file.size) {
      return fail(Kind::conflict, "downloading {}: {} bytes instead of {}", file.path, *bytes, *file.size);
    }
    if (!file.hash.empty() && hasher.digest() != file.hash) {
      return fail(Kind::conflict, "downloading {}: its hash does not match, it is damaged", file.path);
    }
    return (*target)->place(file.mtime_ns, file.mode);
  }

  ports::ObjectStore& store_;
  const std::string& bucket_;
  const std::vector<Download>& files_;
  Folder& folder_;
  std::vector<FileIdentity> identities_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // for what follows, and the identities
  std::vector<std::size_t> placed_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::vector<FileIdentity>> download_files(ports::ObjectStore& store, const std::string& bucket,
                                                 const std::vector<Download>& files, Folder& folder, Tasks& tasks) {
  for (const auto& file : files) {
    if (!checkpoint::is_safe_path(file.path)) {
      return fail(Kind::invalid, "s3://{}/{}: its name leads out of the directory, or is no file name", bucket,
                  file.key);
    }
  }
  return Downloads(store, bucket, files, folder).run(tasks);
}

}  // namespace holdfast::agent
