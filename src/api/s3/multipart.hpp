// Uploads in parts. All their state is files, so that an upload survives a restart of the service:
//
//   DIRECTORY/<upload id>/target               the bucket, a line break, the key
//   DIRECTORY/<upload id>/<number>-<md5>       a part; a second one of the same number takes its place
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "api/s3/upload.hpp"
#include "base/time.hpp"

namespace holdfast::api::s3 {

constexpr int kMaxParts = 10'000;  // S3's own
constexpr std::ptrdiff_t kMaxOpenUploads = 1000;
constexpr auto kMaxUploadAge = hours{24 * 7};  // forgotten then, to make room for new ones

struct PartName {
  int number = 0;
  std::string md5;
};

class MultipartUploads {
 public:
  MultipartUploads(Clock& clock, std::filesystem::path directory) : clock_(clock), directory_(std::move(directory)) {}

  S3Result<void> create(const std::string& id, const std::string& bucket, const std::string& key);
  S3Result<void> add(const std::string& id, const std::string& bucket, const std::string& key, int number,
                     Upload& part);
  // Appends the parts, in their order, to `fd`; how many bytes that were.
  S3Result<std::uint64_t> join(const std::string& id, const std::string& bucket, const std::string& key,
                               const std::vector<PartName>& parts, int fd);
  S3Result<void> check(const std::string& id, const std::string& bucket, const std::string& key) const;
  // No error when there is no such upload.
  void remove(const std::string& id);

 private:
  void forget_old_ones();

  Clock& clock_;
  std::filesystem::path directory_;
  std::mutex mutex_;  // for what looks at all uploads or at all parts of one
};

}  // namespace holdfast::api::s3
