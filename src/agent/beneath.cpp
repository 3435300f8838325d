#include "agent/beneath.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/ensure.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::agent {
namespace {

constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::int64_t kNanoseconds = 1'000'000'000;

tl::unexpected<Error> fail_at(const std::string& path, int error_number) {
  if (error_number == ELOOP || error_number == ENOTDIR || error_number == EISDIR) {
    return fail(Kind::invalid, "opening {}: a part of it is a link, or a file where a folder should be", path);
  }
  return fail_errno("opening " + path, error_number);
}

// Walks down part by part: the kernel refuses to follow a link only as the last one.
Result<Fd> open_parent(int directory, const std::string& path, bool make) {
  ENSURE(checkpoint::is_safe_path(path), "'{}' was not checked", path);
  Fd folder{::openat(directory, ".", kFolder)};
  if (!folder) return fail_at(path, errno);
  std::size_t begin = 0;
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', begin)) {
    const auto name = path.substr(begin, slash - begin);
    if (make && ::mkdirat(folder.get(), name.c_str(), 0755) != 0 && errno != EEXIST) return fail_at(path, errno);
    Fd next{::openat(folder.get(), name.c_str(), kFolder)};
    if (!next) return fail_at(path, errno);
    folder = std::move(next);
    begin = slash + 1;
  }
  return folder;
}

}  // namespace

Result<Fd> open_directory(const std::filesystem::path& path) {
  Fd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return fail_errno("opening " + path.string(), errno);
  return fd;
}

Result<Fd> open_beneath(int directory, const std::string& path, int flags, unsigned mode) {
  auto folder = open_parent(directory, path, false);
  if (!folder) return folder;
  Fd fd{::openat(folder->get(), file_name_of(path).c_str(), flags | O_NOFOLLOW | O_CLOEXEC, static_cast<mode_t>(mode))};
  if (!fd) return fail_at(path, errno);
  return fd;
}

Result<Fd> parent_beneath(int directory, const std::string& path) { return open_parent(directory, path, false); }

Result<Fd> make_parent_beneath(int directory, const std::string& path) { return open_parent(directory, path, true); }

std::string file_name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

checkpoint::FileIdentity identity_of(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .mtime_ns = status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec,
          .ctime_ns = status.st_ctim.tv_sec * kNanoseconds + status.st_ctim.tv_nsec};
}

}  // namespace holdfast::agent
