#include "agent/checkpoint_watch.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "agent/beneath.hpp"
#include "base/log.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::agent {
namespace {

using checkpoint::kMaxFiles;

// Single writes are not asked for, there can be millions: a scan sees those that are not followed by a close.
constexpr std::uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;
constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxPassedOver = 100;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::string join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

void pass_over(DirectoryScan& scan, std::string why) {
  if (scan.passed_over.size() < kMaxPassedOver) scan.passed_over.push_back(std::move(why));
}

}  // namespace

DirectoryWatch::DirectoryWatch(std::filesystem::path path, Fd directory, Fd inotify)
    : path_(std::move(path)), directory_(std::move(directory)), inotify_(std::move(inotify)) {}

Result<DirectoryWatch> DirectoryWatch::open(const std::filesystem::path& directory) {
  if (auto made = make_directories(directory); !made) return fail(made.error());
  auto fd = open_directory(directory);
  if (!fd) return fail(fd.error());
  Fd inotify{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (!inotify) log_warn("watching {}: {}, scans have to do", directory.string(), std::strerror(errno));
  return DirectoryWatch(directory, std::move(*fd), std::move(inotify));
}

WatchedChanges DirectoryWatch::drain() {
  WatchedChanges changes;
  alignas(inotify_event) std::array<char, 65536> buffer;
  for (;;) {
    const auto n = inotify_ ? ::read(inotify_.get(), buffer.data(), buffer.size()) : -1;
    if (n <= 0) return changes;
    for (const char* at = buffer.data(); at < buffer.data() + n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event->len;
      changes.any = true;
      if ((event->mask & IN_Q_OVERFLOW) != 0) changes.lost = true;
      if ((event->mask & IN_IGNORED) != 0) folders_.erase(event->wd);
      const auto folder = folders_.find(event->wd);
      if (event->len == 0 || (event->mask & IN_ISDIR) != 0 || folder == folders_.end()) continue;
      const auto path = join(folder->second, event->name);
      if ((event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) changes.renamed[path] = (event->mask & IN_MOVED_TO) != 0;
    }
    // Whoever makes changes faster than we read them has changed everything.
    if (changes.renamed.size() > kMaxFiles) {
      changes.renamed.clear();
      changes.lost = true;
    }
  }
}

Result<DirectoryScan> DirectoryWatch::scan() {
  DirectoryScan found;
  Fd top{::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!top) return fail_errno("reading " + path_.string(), errno);
  if (auto scanned = scan_folder(std::move(top), "", 0, found); !scanned) return fail(scanned.error());
  std::ranges::sort(found.files, {}, &checkpoint::LocalFile::path);
  return found;
}

Result<void> DirectoryWatch::scan_folder(Fd folder, const std::string& path, int depth, DirectoryScan& scan) {
  // First the watch, then the names: what comes in between is seen twice rather than never.
  watch_folder(path);
  const int fd = folder.get();
  const std::unique_ptr<DIR, CloseDirectory> names(::fdopendir(fd));
  if (!names) return fail_errno("reading " + (path_ / path).string(), errno);
  folder.release();
  errno = 0;
  while (const auto* entry = ::readdir(names.get())) {
    const std::string name = entry->d_name;
    const auto below = join(path, name);
    if (name == "." || name == ".." || checkpoint::is_excluded(name)) continue;
    if (!checkpoint::is_safe_path(below)) {
      pass_over(scan, path + "/...: a name that is too long or not UTF-8");
    } else if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) {
      Fd next{::openat(fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
      if (!next && entry->d_type == DT_UNKNOWN) add_file(fd, name, below, scan);
      if (!next) continue;  // gone again
      if (depth >= kMaxDepth) return fail(Kind::invalid, "{}: more than {} folders deep", below, kMaxDepth);
      if (auto scanned = scan_folder(std::move(next), below, depth + 1, scan); !scanned) return scanned;
    } else {
      add_file(fd, name, below, scan);
    }
    if (scan.files.size() > kMaxFiles) {
      return fail(Kind::invalid, "the checkpoint directory holds more than {} files", kMaxFiles);
    }
    errno = 0;
  }
  if (errno != 0) return fail_errno("reading " + (path_ / path).string(), errno);
  return {};
}

void DirectoryWatch::add_file(int folder, const std::string& name, const std::string& path, DirectoryScan& scan) {
  struct stat status {};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;  // gone again
  if (S_ISREG(status.st_mode)) {
    scan.files.push_back({path, identity_of(status), static_cast<std::uint32_t>(status.st_mode & 07777)});
  } else {
    pass_over(scan, path + (S_ISLNK(status.st_mode) ? ": a symbolic link" : ": neither a file nor a folder"));
  }
}

void DirectoryWatch::watch_folder(const std::string& path) {
  if (!inotify_) return;
  const auto wd = ::inotify_add_watch(inotify_.get(), (path_ / path).c_str(), kEvents);
  if (wd >= 0) folders_[wd] = path;  // the same folder keeps its number, even under a new name
}

}  // namespace holdfast::agent
