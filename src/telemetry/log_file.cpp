#include "telemetry/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.hpp"

namespace holdfast::telemetry {

Result<LogFile> LogFile::open(const std::filesystem::path& path, bool create) {
  Fd fd{::open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600)};
  if (!fd) return fail_errno("opening " + path.string(), errno);
  return LogFile(std::move(fd), path.string());
}

Result<std::uint64_t> LogFile::size() const {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return fail_errno("looking at " + name_, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::string> LogFile::read(std::uint64_t from, std::uint64_t to) const {
  std::string bytes(static_cast<std::size_t>(to - from), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(from + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading " + name_, errno);
    if (n == 0) return fail(Kind::permanent, "reading {}: it has become shorter", name_);
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

Result<void> LogFile::write(std::uint64_t at, std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error_number = errno;
      if (::ftruncate(fd_.get(), static_cast<off_t>(at)) != 0) log_error("{}: half of a write stays there", name_);
      return fail_errno("writing " + name_, error_number);
    }
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<void> LogFile::cut(std::uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return fail_errno("cutting " + name_, errno);
  return {};
}

}  // namespace holdfast::telemetry
