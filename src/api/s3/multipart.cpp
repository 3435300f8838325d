#include "api/s3/multipart.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/log.hpp"

namespace holdfast::api::s3 {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxTarget = 4096;
constexpr std::size_t kMaxIdLength = 64;

// An id becomes a directory's name.
bool is_id(const std::string& id) {
  return !id.empty() && id.size() <= kMaxIdLength && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
  });
}
bool is_md5(const std::string& text) {
  return text.size() == 32 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string part_prefix(int number) { return fmt::format("{:05}-", number); }

S3Error no_such_upload() {
  return {404, "NoSuchUpload",
          "The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload "
          "might have been aborted or completed."};
}
S3Error from(const Error& error) {
  log_error("a multipart upload: {}", error.message);
  return error.kind == Kind::no_space ? S3Error{503, "SlowDown", "There is no space left for uploads."}
                                      : S3Error{500, "InternalError", "We encountered an internal error."};
}

Result<std::uint64_t> append_file(const fs::path& path, int to) {
  const Fd from_file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from_file) return fail_errno("opening " + path.string(), errno);
  std::array<char, 256 * 1024> buffer;
  std::uint64_t total = 0;
  for (;;) {
    const auto count = ::read(from_file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading " + path.string(), errno);
    if (count == 0) return total;
    const auto size = static_cast<std::size_t>(count);
    if (auto written = write_all(to, {buffer.data(), size}, "joining parts"); !written) return fail(written.error());
    total += size;
  }
}

}  // namespace

S3Result<void> MultipartUploads::create(const std::string& id, const std::string& bucket, const std::string& key) {
  const std::lock_guard lock(mutex_);
  std::error_code ignored;
  const auto open = [&] { return std::distance(fs::directory_iterator(directory_, ignored), {}); };
  if (open() >= kMaxOpenUploads) forget_old_ones();
  if (open() >= kMaxOpenUploads)
    return tl::unexpected(S3Error{503, "SlowDown", "Too many multipart uploads are open; abort some."});
  if (auto made = make_directories(directory_ / id); !made) return tl::unexpected(from(made.error()));
  if (auto written = write_file_atomically(directory_ / id / "target", bucket + "\n" + key, 0600); !written)
    return tl::unexpected(from(written.error()));
  return {};
}

S3Result<void> MultipartUploads::check(const std::string& id, const std::string& bucket, const std::string& key) const {
  if (!is_id(id)) return tl::unexpected(no_such_upload());
  const auto target = read_file(directory_ / id / "target", kMaxTarget);
  if (!target || *target != bucket + "\n" + key) return tl::unexpected(no_such_upload());
  return {};
}

S3Result<void> MultipartUploads::add(const std::string& id, const std::string& bucket, const std::string& key,
                                     int number, Upload& part) {
  const std::lock_guard lock(mutex_);
  if (auto there = check(id, bucket, key); !there) return there;
  const std::string name = part_prefix(number) + part.md5();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory_ / id, ignored)) {
    const std::string other = entry.path().filename();
    if (other.starts_with(part_prefix(number)) && other != name) fs::remove(entry.path(), ignored);
  }
  if (auto moved = part.move_to(directory_ / id / name); !moved) return tl::unexpected(from(moved.error()));
  return {};
}

S3Result<std::uint64_t> MultipartUploads::join(const std::string& id, const std::string& bucket, const std::string& key,
                                               const std::vector<PartName>& parts, int fd) {
  if (auto there = check(id, bucket, key); !there) return tl::unexpected(there.error());
  std::uint64_t total = 0;
  int before = 0;
  for (const auto& part : parts) {
    if (part.number <= before)
      return tl::unexpected(S3Error{400, "InvalidPartOrder", "The list of parts was not in ascending order."});
    before = part.number;
    const fs::path path = directory_ / id / (part_prefix(part.number) + part.md5);
    std::error_code ignored;
    if (!is_md5(part.md5) || !fs::exists(path, ignored)) {
      return tl::unexpected(
          S3Error{400, "InvalidPart", fmt::format("Part {} could not be found, or its ETag is another.", part.number)});
    }
    const auto appended = append_file(path, fd);
    if (!appended) return tl::unexpected(from(appended.error()));
    total += *appended;
  }
  return total;
}

void MultipartUploads::remove(const std::string& id) {
  if (!is_id(id)) return;
  const std::lock_guard lock(mutex_);
  std::error_code error;
  fs::remove_all(directory_ / id, error);
  if (error) log_warn("removing multipart upload {}: {}", id, error.message());
}

// With mutex_ held.
void MultipartUploads::forget_old_ones() {
  const Instant now = clock_.now();
  std::error_code error;
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    struct stat status {};
    if (::stat(entry.path().c_str(), &status) != 0) continue;
    if (now - Instant{seconds{status.st_mtim.tv_sec}} > kMaxUploadAge) old.push_back(entry.path());
  }
  for (const auto& path : old) fs::remove_all(path, error);
}

}  // namespace holdfast::api::s3
