// Uploads in parts. All their state is files, so that an upload survives a restart of the service:
//
//   DIRECTORY/<upload id>/target                        the bucket, a line break, the key
//   DIRECTORY/<upload id>/headers                       what the object is to be kept with, as api/s3/attributes has it
//   DIRECTORY/<upload id>/<number>-<md5>[-<algorithm>-<checksum>]
//                                                       a part; a second one of the same number takes its place
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/s3/checksums.hpp"
#include "api/s3/upload.hpp"
#include "base/time.hpp"

namespace holdfast::api::s3 {

constexpr int kMaxParts = 10'000;  // S3's own
constexpr std::ptrdiff_t kMaxOpenUploads = 1000;
constexpr auto kMaxUploadAge = hours{24 * 7};  // forgotten then, to make room for new ones

// As a client names it when it says which parts make the object.
struct PartName {
  int number = 0;
  std::string md5;
  std::optional<ChecksumAlgorithm> algorithm = {};  // nothing: no checksum was said
  std::string checksum_base64 = {};
};

struct Part {
  int number = 0;
  std::string md5;
  std::optional<Checksum> checksum;  // of whatever algorithm its client chose, if the upload has none
  std::uint64_t size = 0;
  Instant modified;
};

struct OpenUpload {
  std::string id, bucket, key;
  Instant begun;
  http::Headers headers;
  // With which its parts are checked, and how they are made one checksum: kFullObject or kComposite.
  std::optional<ChecksumAlgorithm> algorithm() const;
  std::string checksum_type() const;
};

class MultipartUploads {
 public:
  MultipartUploads(Clock& clock, std::filesystem::path directory) : clock_(clock), directory_(std::move(directory)) {}

  S3Result<void> create(const std::string& id, const std::string& bucket, const std::string& key,
                        const http::Headers& headers);
  // NoSuchUpload: there is none, or it is another object's.
  S3Result<OpenUpload> find(const std::string& id, const std::string& bucket, const std::string& key) const;
  S3Result<void> add(const OpenUpload& upload, int number, Upload& part);
  // By number.
  S3Result<std::vector<Part>> parts(const OpenUpload& upload) const;
  // The parts that were named, in that order. InvalidPart, InvalidPartOrder.
  S3Result<std::vector<Part>> chosen(const OpenUpload& upload, const std::vector<PartName>& names) const;
  // Appends them to `fd`: in the kernel, and without copying where the file system can share bytes.
  S3Result<void> join(const OpenUpload& upload, const std::vector<Part>& parts, int fd) const;
  // No error when there is no such upload.
  void remove(const std::string& id);
  // Of one bucket, by key and then by age.
  std::vector<OpenUpload> open_uploads(const std::string& bucket) const;

 private:
  std::optional<OpenUpload> read(const std::string& id) const;
  void forget_old_ones();

  Clock& clock_;
  std::filesystem::path directory_;
  std::mutex mutex_;  // for what looks at all uploads or at all parts of one
};

}  // namespace holdfast::api::s3
