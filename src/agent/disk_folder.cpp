#include "agent/disk_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>

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
constexpr std::size_t kHole = 4096;  // shorter ones are not worth a look
constexpr std::size_t kMaxPassedOver = 100;
constexpr std::int64_t kLongestPollMs = std::numeric_limits<int>::max();
constexpr std::int64_t kNanoseconds = 1'000'000'000;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::string join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

void pass_over(FolderScan& scan, std::string why) {
  if (scan.passed_over.size() < kMaxPassedOver) scan.passed_over.push_back(std::move(why));
}

bool only_zeros(std::string_view bytes) {
  return bytes.size() >= kHole && bytes.front() == 0 &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

class DiskOpenFile final : public OpenFile {
 public:
  explicit DiskOpenFile(Fd fd) : fd_(std::move(fd)) {}
  Result<void> read(std::uint64_t offset, std::span<char> into) override {
    return read_at(fd_.get(), offset, into, "reading a file of the checkpoint");
  }
  std::optional<checkpoint::FileIdentity> identity() const override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return identity_of(status);
  }

 private:
  Fd fd_;
};

// Written under a name of ours at the top of the directory, then renamed.
class DiskNewFile final : public NewFile {
 public:
  DiskNewFile(int directory, Fd folder, std::string part, std::string path)
      : directory_(directory), folder_(std::move(folder)), part_(std::move(part)), path_(std::move(path)) {}
  ~DiskNewFile() override {
    if (fd_ && !placed_) ::unlinkat(directory_, part_.c_str(), 0);
  }
  Result<void> open() {
    fd_ = Fd{::openat(directory_, part_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!fd_) return fail_errno("creating a file for " + path_, errno);
    return {};
  }
  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    for (auto end = end_.load();
         end < offset + bytes.size() && !end_.compare_exchange_weak(end, offset + bytes.size());) {
    }
    // A hole in a sparse file stays one; whatever an earlier try may have written there is removed.
    constexpr int kHoleAsWell = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (only_zeros(bytes) &&
        ::fallocate(fd_.get(), kHoleAsWell, static_cast<off_t>(offset), static_cast<off_t>(bytes.size())) == 0) {
      return {};
    }
    // The kernel lets one write into a file at a time, and others would spin for it.
    const std::lock_guard lock(writing_);
    return write_at(fd_.get(), offset, bytes, "writing " + path_);
  }
  Result<checkpoint::FileIdentity> place(std::int64_t mtime_ns, std::uint32_t mode) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(end_.load())) != 0) return fail_errno("writing " + path_, errno);
    if (::fchmod(fd_.get(), static_cast<mode_t>(mode & 07777)) != 0) {
      return fail_errno("setting the mode of " + path_, errno);
    }
    if (mtime_ns != 0) {
      const timespec mtime{mtime_ns / kNanoseconds, mtime_ns % kNanoseconds};
      const timespec times[2] = {mtime, mtime};
      if (::futimens(fd_.get(), times) != 0) return fail_errno("setting the time of " + path_, errno);
    }
    if (::renameat(directory_, part_.c_str(), folder_.get(), file_name_of(path_).c_str()) != 0) {
      if (errno == EISDIR) return fail(Kind::invalid, "{}: a file and a folder at once", path_);
      return fail_errno("placing " + path_, errno);
    }
    placed_ = true;
    struct stat status {};
    // After the rename, which changes a file's times too.
    if (::fstat(fd_.get(), &status) != 0) return fail_errno("looking at " + path_, errno);
    return identity_of(status);
  }

 private:
  int directory_;  // the DiskFolder's
  Fd folder_;      // that it will lie in
  std::string part_, path_;
  Fd fd_;
  std::atomic<std::uint64_t> end_ = 0;
  std::mutex writing_;
  bool placed_ = false;
};

}  // namespace

DiskFolder::DiskFolder(std::filesystem::path path, Fd directory, Fd woken)
    : path_(std::move(path)), directory_(std::move(directory)), woken_(std::move(woken)) {}

Result<std::unique_ptr<DiskFolder>> DiskFolder::open(const std::filesystem::path& directory) {
  if (auto made = make_directories(directory); !made) return fail(made.error());
  auto fd = open_directory(directory);
  if (!fd) return fail(fd.error());
  Fd woken{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!woken) return fail_errno("making an eventfd", errno);
  return std::unique_ptr<DiskFolder>(new DiskFolder(directory, std::move(*fd), std::move(woken)));
}

// ---- noticing

void DiskFolder::begin_to_watch() {
  if (std::exchange(watching_, true)) return;
  inotify_ = Fd{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (!inotify_) log_warn("watching {}: {}, scans have to do", path_.string(), std::strerror(errno));
}

void DiskFolder::wait(Duration most) {
  pollfd fds[] = {{woken_.get(), POLLIN, 0}, {inotify_.get(), POLLIN, 0}};
  ::poll(fds, 2, static_cast<int>(std::clamp<std::int64_t>(most.count(), 0, kLongestPollMs)));
  std::uint64_t count = 0;
  while (::read(woken_.get(), &count, sizeof count) > 0) {
  }
}

void DiskFolder::wake() {
  const std::uint64_t one = 1;
  if (::write(woken_.get(), &one, sizeof one) < 0) log_warn("waking who follows {} failed", path_.string());
}

FolderChanges DiskFolder::changes() {
  FolderChanges changes;
  alignas(inotify_event) std::array<char, 65536> buffer;
  for (;;) {
    const auto n = inotify_ ? ::read(inotify_.get(), buffer.data(), buffer.size()) : -1;
    if (n <= 0) return changes;
    for (const char* at = buffer.data(); at < buffer.data() + n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event->len;
      // Markers and parts of our own would have us look again without end.
      if (event->len != 0 && checkpoint::is_excluded(event->name)) continue;
      changes.any = true;
      if ((event->mask & IN_Q_OVERFLOW) != 0) changes.lost = true;
      if ((event->mask & IN_IGNORED) != 0) folders_.erase(event->wd);
      const auto folder = folders_.find(event->wd);
      if (event->len == 0 || folder == folders_.end()) continue;
      // What comes in a new folder is not heard of before the next scan, but that there is one is.
      const bool is_folder = (event->mask & IN_ISDIR) != 0;
      const auto path = join(folder->second, event->name) + (is_folder ? "/" : "");
      const auto written = is_folder ? IN_CREATE : IN_CLOSE_WRITE;
      if ((event->mask & written) != 0) changes.news[path] = FileNews::closed;
      if ((event->mask & IN_MOVED_TO) != 0) changes.news[path] = FileNews::moved_here;
      if ((event->mask & IN_MOVED_FROM) != 0) changes.news[path] = FileNews::moved_away;
    }
    // Whoever makes changes faster than we read them has changed everything.
    if (changes.news.size() > kMaxFiles) {
      changes.news.clear();
      changes.lost = true;
    }
  }
}

Result<FolderScan> DiskFolder::scan() {
  begin_to_watch();
  FolderScan found;
  Fd top{::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!top) return fail_errno("reading " + path_.string(), errno);
  if (auto scanned = scan_folder(std::move(top), "", 0, found); !scanned) return fail(scanned.error());
  std::ranges::sort(found.files, {}, &checkpoint::LocalFile::path);
  // A name that was given to another file meanwhile may have been met twice.
  const auto same = [](const auto& a, const auto& b) { return a.path == b.path; };
  found.files.erase(std::unique(found.files.begin(), found.files.end(), same), found.files.end());
  std::ranges::sort(found.links);
  return found;
}

Result<void> DiskFolder::scan_folder(Fd folder, const std::string& path, int depth, FolderScan& scan) {
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
    if (scan.files.size() + scan.links.size() > kMaxFiles) {
      return fail(Kind::invalid, "the checkpoint directory holds more than {} files", kMaxFiles);
    }
    errno = 0;
  }
  if (errno != 0) return fail_errno("reading " + (path_ / path).string(), errno);
  return {};
}

void DiskFolder::add_file(int folder, const std::string& name, const std::string& path, FolderScan& scan) {
  struct stat status {};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;  // gone again
  if (S_ISREG(status.st_mode)) {
    scan.files.push_back({path, identity_of(status), static_cast<std::uint32_t>(status.st_mode & 07777)});
  } else if (S_ISLNK(status.st_mode)) {
    add_link(folder, name, path, scan);
  } else {
    pass_over(scan, path + ": neither a file nor a folder");
  }
}

void DiskFolder::add_link(int folder, const std::string& name, const std::string& path, FolderScan& scan) {
  checkpoint::Link link{path, std::string(checkpoint::kMaxPath + 1, '\0')};
  const auto length = ::readlinkat(folder, name.c_str(), link.target.data(), link.target.size());
  if (length < 0) return;  // gone again
  link.target.resize(static_cast<std::size_t>(length));
  if (checkpoint::leads_to(link)) {
    scan.links.push_back(std::move(link));
  } else {
    pass_over(scan, path + ": a symbolic link that is absolute, or may lead out of the directory");
  }
}

void DiskFolder::watch_folder(const std::string& path) {
  if (!inotify_) return;
  const auto wd = ::inotify_add_watch(inotify_.get(), (path_ / path).c_str(), kEvents);
  if (wd >= 0) folders_[wd] = path;  // the same folder keeps its number, even under a new name
}

// ---- single files

Result<std::unique_ptr<OpenFile>> DiskFolder::open(const std::string& path) {
  auto fd = open_beneath(directory_.get(), path, O_RDONLY | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  return std::make_unique<DiskOpenFile>(std::move(*fd));
}

Result<std::unique_ptr<NewFile>> DiskFolder::create(const std::string& path) {
  auto folder = make_parent_beneath(directory_.get(), path);
  if (!folder) return fail(folder.error());
  auto file = std::make_unique<DiskNewFile>(directory_.get(), std::move(*folder),
                                            fmt::format(".holdfast-part-{}", next_part_++), path);
  if (auto opened = file->open(); !opened) return fail(opened.error());
  return file;
}

// Made under a name of ours, then renamed: whatever has the name is replaced, never written through.
Result<void> DiskFolder::make_link(const checkpoint::Link& link) {
  const auto folder = make_parent_beneath(directory_.get(), link.path);
  if (!folder) return fail(folder.error());
  const auto part = fmt::format(".holdfast-link-{}", next_part_++);
  ::unlinkat(directory_.get(), part.c_str(), 0);  // of an agent that was killed here
  if (::symlinkat(link.target.c_str(), directory_.get(), part.c_str()) != 0) {
    return fail_errno("making the link " + link.path, errno);
  }
  if (::renameat(directory_.get(), part.c_str(), folder->get(), file_name_of(link.path).c_str()) == 0) return {};
  const int why = errno;
  ::unlinkat(directory_.get(), part.c_str(), 0);
  if (why == EISDIR) return fail(Kind::invalid, "{}: a link and a folder at once", link.path);
  return fail_errno("placing the link " + link.path, why);
}

void DiskFolder::remove(const std::string& path) {
  int flags = 0;
  for (auto left = path; !left.empty(); flags = AT_REMOVEDIR) {
    const auto folder = parent_beneath(directory_.get(), left);
    if (!folder || ::unlinkat(folder->get(), file_name_of(left).c_str(), flags) != 0) return;
    const auto slash = left.rfind('/');
    left.resize(slash == std::string::npos ? 0 : slash);
  }
}

// ---- for the program

void DiskFolder::mark(const std::string& path, Marker marker) {
  const auto folder = parent_beneath(directory_.get(), path);
  if (!folder) return;
  const auto file = file_name_of(path);
  const auto uploading = file + ".sagemaker-uploading", uploaded = file + ".sagemaker-uploaded";
  const auto make = [&](const std::string& name) {
    const Fd made{::openat(folder->get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  };
  if (marker == Marker::uploading) make(uploading);
  if (marker == Marker::uploaded) make(uploaded);
  if (marker != Marker::uploading) ::unlinkat(folder->get(), uploading.c_str(), 0);
  if (marker != Marker::uploaded) ::unlinkat(folder->get(), uploaded.c_str(), 0);
}

std::uint64_t DiskFolder::free_bytes() const {
  struct statvfs disk {};
  if (::fstatvfs(directory_.get(), &disk) != 0) return 0;
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

std::optional<checkpoint::FileIdentity> DiskFolder::commit_file() {
  struct stat status {};
  if (::fstatat(directory_.get(), kCommitFile, &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return identity_of(status);
}

void DiskFolder::remove_commit_file(const checkpoint::FileIdentity& answered) {
  if (commit_file() == answered) ::unlinkat(directory_.get(), kCommitFile, 0);
}

}  // namespace holdfast::agent
