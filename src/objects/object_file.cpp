#include "objects/object_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/random.hpp"

namespace holdfast::objects {

namespace {

constexpr const char* kName = "user.holdfast";
constexpr std::size_t kMaxEtag = 64;

std::string made_up_etag(const struct stat& status, std::uint64_t size) {
  const auto mtime_ns = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000u +
                        static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
  return fmt::format("{:016x}{:016x}-1", mix(status.st_ino, size), mix(mtime_ns, status.st_dev));
}

}  // namespace

std::string uri(const std::string& bucket, const std::string& key) { return fmt::format("s3://{}/{}", bucket, key); }

Result<Fd> open_object_file(const std::filesystem::path& path, const std::string& what) {
  Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (fd) return fd;
  if (errno == ENOENT || errno == ENOTDIR) return fail(Kind::not_found, "{}: no such object", what);
  return fail_errno(what, errno);
}

Result<bool> write_attributes(int fd, const ports::NewObject& object) {
  if (object.notes.size() > ports::kMaxNotes || object.etag.size() > kMaxEtag)
    return fail(Kind::invalid, "{} bytes of metadata are more than the {} that are kept", object.notes.size(),
                ports::kMaxNotes);
  if (object.etag.empty() && object.notes.empty()) return true;
  const auto text = object.etag + "\n" + object.notes;
  if (::fsetxattr(fd, kName, text.data(), text.size(), 0) == 0) return true;
  if (errno == ENOTSUP) return false;
  return fail_errno("keeping an object's metadata", errno);
}

Result<ports::ObjectInfo> info_of(std::string key, int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail_errno("looking at an object's file", errno);
  ports::ObjectInfo info;
  info.key = std::move(key);
  info.size = static_cast<std::uint64_t>(status.st_size);
  info.modified = from_ms(status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000);
  std::array<char, ports::kMaxNotes + kMaxEtag + 1> text;
  const auto length = ::fgetxattr(fd, kName, text.data(), text.size());
  // Not ours, if it is longer than what we write.
  if (length < 0 && errno != ENODATA && errno != ENOTSUP && errno != ERANGE)
    return fail_errno("reading an object's metadata", errno);
  const std::string_view kept(text.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
  const auto end = std::min(kept.find('\n'), kept.size());
  info.etag = kept.substr(0, end);
  info.notes = kept.substr(std::min(kept.size(), end + 1));
  if (info.etag.empty()) info.etag = made_up_etag(status, info.size);
  return info;
}

}  // namespace holdfast::objects
