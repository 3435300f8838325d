// A body on its way into the object store: first into a file beside it, with its digests taken on the way, so that an
// object is stored only if all of it came and is what was signed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "api/s3/aws_chunked.hpp"
#include "api/s3/request.hpp"
#include "aws/sha256.hpp"
#include "base/file.hpp"
#include "http/server.hpp"

namespace holdfast::api::s3 {

constexpr std::uint64_t kMaxUpload = 5ULL * 1024 * 1024 * 1024 + 64ULL * 1024 * 1024;  // S3's 5 GiB, and framing

// What the request's headers say that the body must be.
struct BodyExpectation {
  std::string sha256;      // hex; empty: not said
  std::string md5_base64;  // empty: not said
  bool chunked = false;    // aws-chunked with an unsigned trailer
  std::optional<std::uint64_t> decoded_length;
};

class Upload final : public http::BodySink {
 public:
  // `directory` must exist. The file in it is gone with the upload, unless it was moved.
  static Result<std::unique_ptr<Upload>> open(const std::filesystem::path& directory, BodyExpectation expected);
  ~Upload() override;

  Result<void> write(std::string_view block) override;
  // After the last block, once: is it what was expected?
  S3Result<void> finish();

  int fd() const { return fd_.get(); }
  std::uint64_t size() const { return size_; }
  const std::string& md5() const { return md5_hex_; }  // after finish()
  Result<void> move_to(const std::filesystem::path& path);

 private:
  Upload(std::filesystem::path path, Fd fd, BodyExpectation expected);
  Result<void> keep(std::string_view bytes);

  std::filesystem::path path_;  // empty once moved
  Fd fd_;
  BodyExpectation expected_;
  std::optional<AwsChunkedDecoder> decoder_;
  aws::Sha256 sha256_;
  aws::Md5 md5_;
  std::uint64_t size_ = 0;
  std::string md5_hex_;
};

// From the headers. NotImplemented for signed chunks and for conditions that the object store could not keep.
S3Result<BodyExpectation> expectation_of(const http::Headers& headers, const std::string& payload_hash);

// A new file with a name of its own, open for reading and writing.
Result<std::pair<std::filesystem::path, Fd>> make_temporary_file(const std::filesystem::path& directory);

}  // namespace holdfast::api::s3
