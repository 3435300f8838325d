#include "api/s3/downloads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "api/s3/upload.hpp"

namespace holdfast::api::s3 {

namespace {

// An open file of its own, with its own position, of the same bytes.
Result<Fd> reopen(int fd) {
  Fd again(::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_RDONLY | O_CLOEXEC));
  if (!again) return fail_errno("opening a kept download again", errno);
  return again;
}

}  // namespace

Result<Fd> Downloads::open(const std::string& bucket, const ports::ObjectInfo& expected) {
  auto file = make_temporary_file(directory_);
  if (!file) return fail(file.error());
  ::unlink(file->first.c_str());  // it lives as long as it is open
  const auto length = objects_.get_file(bucket, expected.key, file->second.get(), [](std::string_view) {});
  if (!length) return fail(length.error());
  if (*length != expected.size)
    return fail(Kind::conflict, "reading s3://{}/{}: it was replaced meanwhile", bucket, expected.key);
  return std::move(file->second);
}

Result<Fd> Downloads::open_kept(const std::string& bucket, const ports::ObjectInfo& expected) {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  kept_.remove_if([&](const Kept& kept) { return now - kept.since > kKeepDownloads; });
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    return kept.bucket == bucket && kept.object.key == expected.key && kept.object.size == expected.size &&
           kept.object.etag == expected.etag && kept.object.modified == expected.modified;
  });
  if (found != kept_.end()) return reopen(found->fd.get());
  auto fd = open(bucket, expected);
  if (!fd) return fd;
  auto again = reopen(fd->get());
  if (!again) return again;
  if (kept_.size() >= kMaxKeptDownloads) kept_.pop_front();
  kept_.push_back({bucket, expected, now, std::move(*fd)});
  return again;
}

}  // namespace holdfast::api::s3
