#include "aws/chunk_signatures.hpp"

#include <fmt/format.h>

namespace holdfast::aws {

std::string ChunkSignatures::of_chunk(std::string_view chunk_sha256) {
  // The empty text's digest stands where headers would be, of which a chunk has none.
  const auto to_sign = fmt::format("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}", date_, scope_, previous_,
                                   sha256_hex(""), chunk_sha256);
  return previous_ = to_hex(as_view(hmac_sha256(as_view(key_), to_sign)));
}

std::string ChunkSignatures::of_trailer(std::string_view trailer) {
  const auto to_sign =
      fmt::format("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}", date_, scope_, previous_, sha256_hex(trailer));
  return previous_ = to_hex(as_view(hmac_sha256(as_view(key_), to_sign)));
}

}  // namespace holdfast::aws
