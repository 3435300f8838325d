// The signatures of a body that comes in signed chunks (STREAMING-AWS4-HMAC-SHA256-PAYLOAD and ...-TRAILER): each one
// covers its chunk and the signature before it, the first of which is the request's own.
#pragma once

#include <string>
#include <string_view>

#include "aws/sha256.hpp"

namespace holdfast::aws {

class ChunkSignatures {
 public:
  // `date` as X-Amz-Date has it, `scope` "20261123/us-east-1/s3/aws4_request", `seed` the request's signature in hex.
  ChunkSignatures(const Sha256Bytes& key, std::string date, std::string scope, std::string seed)
      : key_(key), date_(std::move(date)), scope_(std::move(scope)), previous_(std::move(seed)) {}

  // What the next chunk must be signed with, from its SHA-256; in hex. The last chunk is empty.
  std::string of_chunk(std::string_view chunk_sha256);
  // The same for the trailer behind the last chunk, written "name:value\n" line by line.
  std::string of_trailer(std::string_view trailer);

 private:
  Sha256Bytes key_;
  std::string date_, scope_, previous_;
};

}  // namespace holdfast::aws
