#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace holdfast {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

tl::unexpected<Error> fail_errno(std::string_view what, int error_number) {
  const auto kind = [&] {
    switch (error_number) {
      case ENOENT:
      case ENOTDIR:
        return Kind::not_found;
      case ENOSPC:
      case EDQUOT:
        return Kind::no_space;
      case EAGAIN:
      case EBUSY:
      case EINTR:
      case EMFILE:
      case ENFILE:
      case ENOMEM:
        return Kind::try_again;
      default:
        return Kind::permanent;
    }
  }();
  return fail(kind, "{}: {}", what, std::generic_category().message(error_number));
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return fail_errno("opening " + path.string(), errno);
  std::string bytes;
  char block[16384];
  for (;;) {
    const ssize_t n = ::read(fd.get(), block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading " + path.string(), errno);
    if (n == 0) return bytes;
    bytes.append(block, static_cast<std::size_t>(n));
    if (bytes.size() > limit) return fail(Kind::invalid, "reading {}: larger than {} bytes", path.string(), limit);
  }
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(what, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> write_at(int fd, std::uint64_t offset, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(what, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> read_at(int fd, std::uint64_t offset, std::span<char> into, std::string_view what) {
  while (!into.empty()) {
    const ssize_t n = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(what, errno);
    if (n == 0) return fail(Kind::conflict, "{}: it ends at byte {}", what, offset);
    into = into.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  const auto beside = path.string() + ".new";
  const auto what = "writing " + path.string();
  {
    const Fd fd{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, static_cast<mode_t>(mode))};
    if (!fd) return fail_errno(what, errno);
    // The mode of open() counts only for a new file and under the umask; a secret must not depend on either.
    if (::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) return fail_errno(what, errno);
    if (auto written = write_all(fd.get(), bytes, what); !written) return written;
    if (::fsync(fd.get()) != 0) return fail_errno(what, errno);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return fail_errno(what, errno);
  return sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

Result<void> sync_directory(const std::filesystem::path& path) {
  const Fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory || ::fsync(directory.get()) != 0) return fail_errno("syncing " + path.string(), errno);
  return {};
}

Result<void> make_directories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail_errno("creating directory " + path.string(), error.value());
  return {};
}

// Those that were there already too: a process that made them may have died before it synced them. What we may not
// even read, such as a system's own directories, is not one of them.
Result<void> make_durable_directories(const std::filesystem::path& path) {
  if (auto made = make_directories(path); !made) return made;
  std::error_code error;
  auto folder = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return fail_errno("finding " + path.string(), error.value());
  while (folder.has_relative_path()) {
    folder = folder.parent_path();
    const Fd directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory && errno == EACCES) continue;
    // EINVAL, EROFS: a file system that has nothing to sync.
    if (directory && (::fsync(directory.get()) == 0 || errno == EINVAL || errno == EROFS)) continue;
    return fail_errno("syncing " + folder.string(), errno);
  }
  return {};
}

Result<std::uint64_t> copy_contents(int from, int to, std::string_view what) {
  constexpr std::size_t kStep = std::size_t{1} << 30;
  constexpr std::size_t kBlock = 256 * 1024;
  off64_t offset = 0;
  std::string block;  // once the kernel would not: other kinds of file, other disks
  for (;;) {
    const auto done = block.empty() ? ::copy_file_range(from, &offset, to, nullptr, kStep, 0)
                                    : ::pread(from, block.data(), block.size(), offset);
    if (done == 0) return static_cast<std::uint64_t>(offset);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && block.empty() && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
      block.resize(kBlock);
      continue;
    }
    if (done < 0) return fail_errno(what, errno);
    if (block.empty()) continue;
    if (auto written = write_all(to, {block.data(), static_cast<std::size_t>(done)}, what); !written)
      return fail(written.error());
    offset += done;
  }
}

}  // namespace holdfast
