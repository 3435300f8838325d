// The C library's functions that change files. This program's own take the place of the library's for everything in
// it, the C++ library included; each goes on to the kernel. Nothing is really synced: the model knows what would be.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <filesystem>

#include "crash/recorded_files.hpp"

using holdfast::testing::FileOp;
using holdfast::testing::FileRecorder;

namespace {

// Set while the recorder itself looks at files.
thread_local bool recording = false;

std::string absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  if (folder == AT_FDCWD) return (std::filesystem::current_path() / path).string();
  char name[4096];
  const auto length = ::readlink(("/proc/self/fd/" + std::to_string(folder)).c_str(), name, sizeof name);
  return length <= 0 ? path : std::string(name, static_cast<std::size_t>(length)) + "/" + path;
}

// Who records this path; null: nobody.
FileRecorder* recorder_of(const std::string& path) {
  auto* recorder = recording ? nullptr : FileRecorder::active();
  return recorder != nullptr && recorder->is_below(path) ? recorder : nullptr;
}

int refuse() {
  errno = EIO;
  return -1;
}

// Performs the call, and records `op` if it succeeds.
template <class Call, class Op>
auto recorded(FileRecorder* recorder, const Call& call, const Op& op) -> decltype(call()) {
  if (recorder == nullptr) return call();
  if (recorder->fails_now()) return refuse();
  recording = true;
  const auto result = call();
  if (result >= 0) {
    const int before = errno;
    op(result);
    errno = before;
  }
  recording = false;
  return result;
}

int open_at(int folder, const char* name, int flags, mode_t mode) {
  const auto go = [&] { return static_cast<int>(::syscall(SYS_openat, folder, name, flags, mode)); };
  if ((flags & (O_CREAT | O_TRUNC)) == 0 || recording || FileRecorder::active() == nullptr) return go();
  const auto path = absolute(folder, name);
  auto* recorder = recorder_of(path);
  struct stat status {};
  const bool there = ::lstat(path.c_str(), &status) == 0;
  if (there && (flags & O_TRUNC) == 0) return go();
  return recorded(recorder, go, [&](int) {
    if (there) {
      recorder->ops.push_back({FileOp::Kind::truncate, *recorder->node_at(path), 0, "", 0, "", 0, ""});
    } else if (const auto place = recorder->place_of(path)) {
      recorder->ops.push_back(
          {FileOp::Kind::create, recorder->remember(path), place->first, place->second, 0, "", 0, ""});
    }
  });
}

// For calls on an open file: the recorder, if the file is one of its own.
FileRecorder* recorder_of(int fd, std::size_t& node) {
  auto* recorder = recording ? nullptr : FileRecorder::active();
  if (recorder == nullptr) return nullptr;
  const auto known = recorder->node_of(fd);
  if (!known) return nullptr;
  node = *known;
  return recorder;
}

ssize_t write_at(int fd, const void* bytes, size_t count, off_t offset, bool positioned) {
  std::size_t node = 0;
  auto* recorder = recorder_of(fd, node);
  const auto at = positioned || recorder == nullptr ? offset : ::lseek(fd, 0, SEEK_CUR);
  const auto go = [&] {
    return positioned ? ::syscall(SYS_pwrite64, fd, bytes, count, offset) : ::syscall(SYS_write, fd, bytes, count);
  };
  return recorded(recorder, go, [&](long written) {
    recorder->ops.push_back({FileOp::Kind::write, node, 0, "", 0, "", static_cast<std::size_t>(at),
                             std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(written))});
  });
}

int sync_fd(int fd) {
  std::size_t node = 0;
  auto* recorder = recorder_of(fd, node);
  return recorded(
      recorder, [] { return 0; },
      [&](int) {
        recorder->ops.push_back({FileOp::Kind::sync, node, 0, "", 0, "", 0, ""});
      });
}

int rename_at(int folder, const char* from, int to_folder, const char* to) {
  const auto old_path = absolute(folder, from), new_path = absolute(to_folder, to);
  auto* recorder = recorder_of(new_path);
  const auto node = recorder != nullptr ? recorder->node_at(old_path) : std::nullopt;
  const bool same = recorder != nullptr && node && recorder->node_at(new_path) == node;
  const auto go = [&] { return static_cast<int>(::syscall(SYS_renameat, folder, from, to_folder, to)); };
  return recorded(recorder, go, [&](int) {
    const auto left = recorder->place_of(old_path), came = recorder->place_of(new_path);
    // Of two names of the same file none goes away.
    if (same || !node || !left || !came) return;
    recorder->ops.push_back({FileOp::Kind::rename, *node, left->first, left->second, came->first, came->second, 0, ""});
  });
}

int link_at(int folder, const char* from, int to_folder, const char* to, int flags) {
  const auto path = absolute(to_folder, to);
  auto* recorder = recorder_of(path);
  const auto go = [&] { return static_cast<int>(::syscall(SYS_linkat, folder, from, to_folder, to, flags)); };
  return recorded(recorder, go, [&](int) {
    const auto place = recorder->place_of(path);
    recorder->ops.push_back({FileOp::Kind::link, *recorder->node_at(path), place->first, place->second, 0, "", 0, ""});
  });
}

int remove_at(int folder, const char* name, int flags) {
  const auto path = absolute(folder, name);
  auto* recorder = recorder_of(path);
  const auto go = [&] { return static_cast<int>(::syscall(SYS_unlinkat, folder, name, flags)); };
  return recorded(recorder, go, [&](int) {
    const auto place = recorder->place_of(path);
    recorder->ops.push_back({FileOp::Kind::remove, 0, place->first, place->second, 0, "", 0, ""});
  });
}

int make_directory_at(int folder, const char* name, mode_t mode) {
  const auto path = absolute(folder, name);
  auto* recorder = recorder_of(path);
  const auto go = [&] { return static_cast<int>(::syscall(SYS_mkdirat, folder, name, mode)); };
  return recorded(recorder, go, [&](int) {
    const auto place = recorder->place_of(path);
    recorder->ops.push_back(
        {FileOp::Kind::make_directory, recorder->remember(path), place->first, place->second, 0, "", 0, ""});
  });
}

// The number of the next temporary name: no randomness, so that every run is the same.
std::atomic<int> next_temporary = 0;
void name_temporary(char* pattern) {
  const auto number = std::to_string(100'000 + next_temporary++ % 900'000);
  number.copy(pattern + std::char_traits<char>::length(pattern) - number.size(), number.size());
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_at(folder, path, flags, mode);
}
int mkostemp(char* pattern, int flags) {
  for (;;) {
    name_temporary(pattern);
    const int fd = open_at(AT_FDCWD, pattern, O_RDWR | O_CREAT | O_EXCL | flags, 0600);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
}
char* mkdtemp(char* pattern) noexcept {
  for (;;) {
    name_temporary(pattern);
    if (make_directory_at(AT_FDCWD, pattern, 0700) == 0) return pattern;
    if (errno != EEXIST) return nullptr;
  }
}
ssize_t write(int fd, const void* bytes, size_t count) { return write_at(fd, bytes, count, 0, false); }
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return write_at(fd, bytes, count, offset, true);
}
// The model knows writes only, so whoever copies has to read and write.
ssize_t copy_file_range(int, off64_t*, int, off64_t*, size_t, unsigned) {
  errno = ENOSYS;
  return -1;
}
int ftruncate(int fd, off_t length) noexcept {
  std::size_t node = 0;
  auto* recorder = recorder_of(fd, node);
  return recorded(
      recorder, [&] { return static_cast<int>(::syscall(SYS_ftruncate, fd, length)); },
      [&](int) {
        recorder->ops.push_back({FileOp::Kind::truncate, node, 0, "", 0, "", static_cast<std::size_t>(length), ""});
      });
}
int fsync(int fd) { return sync_fd(fd); }
int fdatasync(int fd) { return sync_fd(fd); }
int rename(const char* from, const char* to) noexcept { return rename_at(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int folder, const char* from, int to_folder, const char* to) noexcept {
  return rename_at(folder, from, to_folder, to);
}
int link(const char* from, const char* to) noexcept { return link_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return link_at(folder, from, to_folder, to, flags);
}
int unlink(const char* path) noexcept { return remove_at(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char* path, int flags) noexcept { return remove_at(folder, path, flags); }
int rmdir(const char* path) noexcept { return remove_at(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdir(const char* path, mode_t mode) noexcept { return make_directory_at(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char* path, mode_t mode) noexcept { return make_directory_at(folder, path, mode); }

}  // extern "C"
