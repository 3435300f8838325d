// Takes aws-chunked framing off a body that comes in blocks, and verifies the signatures in it, if it has any:
//
//   *( hex-size [";chunk-signature=" hex] CRLF bytes CRLF ) "0" [";chunk-signature=" hex] CRLF *( trailer CRLF ) CRLF
//
// where the trailer of signed chunks, if one is announced, ends in "x-amz-trailer-signature:" hex.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/s3/request.hpp"
#include "aws/chunk_signatures.hpp"
#include "base/result.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxChunkLine = 4 * 1024;
constexpr std::size_t kMaxTrailerLines = 16;

class AwsChunkedDecoder {
 public:
  enum class Trailer { unsigned_or_none, is_signed };

  // Without `signatures` whatever the chunks are signed with is passed over.
  explicit AwsChunkedDecoder(std::optional<aws::ChunkSignatures> signatures = {},
                             Trailer trailer = Trailer::unsigned_or_none)
      : signatures_(std::move(signatures)), trailer_signed_(trailer == Trailer::is_signed) {}

  using Keep = std::function<Result<void>(std::string_view)>;
  // Fails only as `keep` does. After a problem the rest is passed over, so that the client hears of it when it listens.
  Result<void> feed(std::string_view block, const Keep& keep);
  bool complete() const { return expecting_ == Expecting::nothing; }
  // What is wrong with the body; what was kept of it is worth nothing then.
  const std::optional<S3Error>& problem() const { return problem_; }
  const http::Headers& trailer() const { return trailer_; }

 private:
  enum class Expecting { size, bytes, end_of_bytes, trailer, nothing };
  void take_line();
  void take_size();
  void take_trailer();
  void end_chunk();
  void refuse(std::string message);

  std::optional<aws::ChunkSignatures> signatures_;
  bool trailer_signed_;
  Expecting expecting_ = Expecting::size;
  std::string line_;  // what has come of it so far
  std::uint64_t bytes_left_ = 0;
  std::string given_signature_;  // of the chunk that is coming
  aws::Sha256 chunk_digest_;
  http::Headers trailer_;
  std::string signed_trailer_;  // as it is signed
  std::optional<S3Error> problem_;
};

}  // namespace holdfast::api::s3
