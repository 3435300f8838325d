// A body on its way into the object store: first into a file beside it, with its digests taken on the way, so that an
// object is stored only if all of it came and is what was signed and promised.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "api/s3/aws_chunked.hpp"
#include "api/s3/checksums.hpp"
#include "api/s3/request.hpp"
#include "aws/sha256.hpp"
#include "aws/sigv4.hpp"
#include "base/file.hpp"
#include "http/server.hpp"

namespace holdfast::api::s3 {

constexpr std::uint64_t kMaxObject = 5ULL * 1024 * 1024 * 1024;               // S3's own, of one put
constexpr std::uint64_t kMaxFramedObject = kMaxObject + 64ULL * 1024 * 1024;  // and framing

// What the request's headers say that the body must be.
struct BodyExpectation {
  std::string sha256 = {};      // hex; empty: not said
  std::string md5_base64 = {};  // empty: not said
  bool chunked = false;         // in aws-chunked framing
  std::optional<aws::ChunkSignatures> chunk_signatures = {};
  bool trailer_signed = false;
  std::optional<std::uint64_t> decoded_length = {};
  std::optional<ChecksumAlgorithm> checksum = {};  // to be computed, and what it must be, if that is said:
  std::string checksum_base64 = {};
  bool checksum_in_trailer = false;
};

// Of the body that `payload_hash` stands for; `chunks` are its signatures, if it has any.
S3Result<BodyExpectation> expectation_of(const http::Headers& headers, const std::string& payload_hash,
                                         const std::optional<aws::ChunkSignatures>& chunks);

// A body that was not long enough for a file. Looks at Content-MD5 and the x-amz-checksum headers.
S3Result<void> check_body(const http::Headers& headers, std::string_view body);

class Upload : public http::BodySink {
 public:
  // `directory` must exist. The file in it is gone with the upload, unless it was moved or given away.
  static Result<std::unique_ptr<Upload>> open(const std::filesystem::path& directory, BodyExpectation expected);
  ~Upload() override;

  Result<void> write(std::string_view block) override;
  // After the last block, once: is it what was expected?
  virtual S3Result<void> finish();

  int fd() const { return fd_.get(); }
  std::uint64_t size() const { return size_; }
  // After finish():
  const std::string& md5() const { return md5_hex_; }
  const std::optional<Checksum>& checksum() const { return checksum_; }
  // From now on the file is the caller's.
  std::filesystem::path give_away();

 protected:
  Upload(std::filesystem::path path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  // Before the first byte that is kept.
  void expect(BodyExpectation expected);
  Result<void> keep(std::string_view bytes);

 private:
  S3Result<void> check_framing() const;
  S3Result<void> check_checksum();

  std::filesystem::path path_;  // empty once given away
  Fd fd_;
  BodyExpectation expected_;
  std::optional<AwsChunkedDecoder> decoder_;
  std::optional<aws::Sha256> sha256_;
  aws::Md5 md5_;
  std::optional<ChecksumDigest> checksum_digest_;
  std::uint64_t size_ = 0;
  std::string md5_hex_;
  std::optional<Checksum> checksum_;
};

// A new file with a name of its own, open for reading and writing.
Result<std::pair<std::filesystem::path, Fd>> make_temporary_file(const std::filesystem::path& directory);

}  // namespace holdfast::api::s3
