#include "base/watched_file.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace holdfast {

WatchedFile::News WatchedFile::look() {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) {
    if (errno != ENOENT) return News::same;
    seen_.reset();
    return News::gone;
  }
  const Stamp stamp{std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec, info.st_ino,
                    info.st_size};
  if (seen_ == stamp) return News::same;
  seen_ = stamp;
  return News::changed;
}

}  // namespace holdfast
