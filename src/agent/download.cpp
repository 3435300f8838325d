#include "agent/download.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <set>
#include <thread>

#include "agent/beneath.hpp"
#include "checkpoint/hash.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::agent {
namespace {

using checkpoint::FileIdentity;

constexpr std::int64_t kNanoseconds = 1'000'000'000;

class Downloads {
 public:
  Downloads(ports::ObjectStore& store, const std::string& bucket, const std::vector<Download>& files, Fd directory)
      : store_(store), bucket_(bucket), files_(files), directory_(std::move(directory)), identities_(files.size()) {}

  Result<std::vector<FileIdentity>> run() {
    {
      std::vector<std::jthread> threads;
      const auto count = std::min(kDownloadThreads, files_.size());
      while (threads.size() < count) threads.emplace_back([this] { work(); });
    }
    if (!error_) return std::move(identities_);
    remove_placed();
    return fail(*error_);
  }

 private:
  void work() {
    while (!failed_) {
      const auto i = next_++;
      if (i >= files_.size()) return;
      if (auto done = fetch(i); !done) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = done.error();
        failed_ = true;
      }
    }
  }

  Result<void> fetch(std::size_t i) {
    const auto& file = files_[i];
    const auto part = fmt::format(".holdfast-part-{}", i);
    auto folder = make_parent_beneath(directory_.get(), file.path);
    if (!folder) return fail(folder.error());
    auto written = write_part(file, part);
    // Once more: damage on the way is not damage in the store.
    if (!written && written.error().kind == Kind::conflict) written = write_part(file, part);
    if (!written) {
      ::unlinkat(directory_.get(), part.c_str(), 0);
      return fail(written.error());
    }
    if (::renameat(directory_.get(), part.c_str(), folder->get(), file_name_of(file.path).c_str()) != 0) {
      const int error = errno;
      ::unlinkat(directory_.get(), part.c_str(), 0);
      if (error == EISDIR) return fail(Kind::invalid, "{}: a file and a folder at once", file.path);
      return fail_errno("placing " + file.path, error);
    }
    struct stat status {};
    if (::fstat(written->get(), &status) != 0) return fail_errno("looking at " + file.path, errno);
    identities_[i] = identity_of(status);  // after the rename, which changes a file's times too
    const std::lock_guard lock(mutex_);
    placed_.push_back(i);
    return {};
  }

  Result<Fd> write_part(const Download& file, const std::string& part) {
    Fd fd{::openat(directory_.get(), part.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!fd) return fail_errno("creating a file for " + file.path, errno);
    checkpoint::Hasher hasher;
    const auto bytes = store_.get_file(bucket_, file.key, fd.get(), [&](std::string_view block) {
      if (!file.hash.empty()) hasher.add(block);
    });
    if (!bytes) return fail(bytes.error(), "downloading {}", file.path);
    if (*bytes != file.size) {
      return fail(Kind::conflict, "downloading {}: {} bytes instead of {}", file.path, *bytes, file.size);
    }
    if (!file.hash.empty() && hasher.digest() != file.hash) {
      return fail(Kind::conflict, "downloading {}: its hash does not match, it is damaged", file.path);
    }
    if (::fchmod(fd.get(), static_cast<mode_t>(file.mode & 07777)) != 0) {
      return fail_errno("setting the mode of " + file.path, errno);
    }
    if (file.mtime_ns != 0) {
      const timespec mtime{file.mtime_ns / kNanoseconds, file.mtime_ns % kNanoseconds};
      const timespec times[2] = {mtime, mtime};
      if (::futimens(fd.get(), times) != 0) return fail_errno("setting the time of " + file.path, errno);
    }
    return fd;
  }

  void remove_placed() {
    std::set<std::string, std::greater<>> folders;  // the deepest first
    for (const auto i : placed_) remove_one(files_[i].path, 0);
    for (const auto& file : files_) {
      for (auto slash = file.path.rfind('/'); slash != std::string::npos && slash > 0;) {
        folders.insert(file.path.substr(0, slash));
        slash = file.path.rfind('/', slash - 1);
      }
    }
    for (const auto& folder : folders) remove_one(folder, AT_REMOVEDIR);
  }

  void remove_one(const std::string& path, int flags) {
    const auto folder = parent_beneath(directory_.get(), path);
    if (folder) ::unlinkat(folder->get(), file_name_of(path).c_str(), flags);
  }

  ports::ObjectStore& store_;
  const std::string& bucket_;
  const std::vector<Download>& files_;
  Fd directory_;
  std::vector<FileIdentity> identities_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // for what follows
  std::vector<std::size_t> placed_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::vector<FileIdentity>> download_files(ports::ObjectStore& store, const std::string& bucket,
                                                 const std::vector<Download>& files,
                                                 const std::filesystem::path& directory) {
  for (const auto& file : files) {
    if (!checkpoint::is_safe_path(file.path)) {
      return fail(Kind::invalid, "s3://{}/{}: its name leads out of the directory, or is no file name", bucket,
                  file.key);
    }
  }
  if (auto made = make_directories(directory); !made) return fail(made.error());
  auto opened = open_directory(directory);
  if (!opened) return fail(opened.error());
  return Downloads(store, bucket, files, std::move(*opened)).run();
}

}  // namespace holdfast::agent
