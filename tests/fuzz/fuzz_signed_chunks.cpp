// A body in signed chunks: the input's first line is the key, its second "size of chunks, of pieces" as two bytes, the
// rest the body. As we sign it, it is taken in pieces of any size; with one byte changed it never is.
#include <fmt/format.h>

#include "api/s3/aws_chunked.hpp"
#include "fuzz/input.hpp"

namespace holdfast::fuzz {
namespace {

using api::s3::AwsChunkedDecoder;

aws::ChunkSignatures signatures(std::string_view key) {
  return {aws::hmac_sha256(key, "key"), "20261123T093506Z", "20261123/us-east-1/s3/aws4_request", "seed"};
}

std::string framed(std::string_view key, std::string_view body, std::size_t chunk, bool with_trailer) {
  auto signer = signatures(key);
  std::string out;
  for (bool last = false; !last; body.remove_prefix(std::min(chunk, body.size()))) {
    const auto part = body.substr(0, chunk);
    last = part.empty();
    out += fmt::format("{:x};chunk-signature={}\r\n", part.size(), signer.of_chunk(aws::sha256_hex(part)));
    if (!last) out += std::string(part) + "\r\n";
  }
  if (with_trailer)
    out += "x-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:" +
           signer.of_trailer("x-amz-checksum-crc32:AAAAAA==\n") + "\r\n";
  return out + "\r\n";
}

// The body, or nothing where it was refused or is not whole.
std::optional<std::string> decode(std::string_view key, std::string_view text, std::size_t piece, bool with_trailer) {
  using Trailer = AwsChunkedDecoder::Trailer;
  AwsChunkedDecoder decoder(signatures(key), with_trailer ? Trailer::is_signed : Trailer::unsigned_or_none);
  std::string body;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    const auto fed = decoder.feed(text.substr(0, piece), [&](std::string_view block) -> Result<void> {
      body += block;
      return {};
    });
    ENSURE(fed, "nothing failed to be kept");
  }
  if (decoder.problem() || !decoder.complete()) return std::nullopt;
  return body;
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const auto key = input.line();
  const std::size_t chunk = 1 + input.byte(), piece = 1 + input.byte();
  const auto place = input.byte() * 256u + input.byte();
  const bool with_trailer = place % 2 == 1;
  const auto body = input.rest();
  // A stranger who does not know the key.
  ENSURE(!fuzz::decode(key, body, piece, with_trailer), "a body that nobody signed is taken");
  auto signed_body = fuzz::framed(key, body, chunk, with_trailer);
  ENSURE(fuzz::decode(key, signed_body, piece, with_trailer) == body, "our own body does not come back");
  auto& changed = signed_body[place % signed_body.size()];
  changed = static_cast<char>(changed ^ 1);
  if (const auto taken = fuzz::decode(key, signed_body, piece, with_trailer)) ENSURE(*taken == body, "another body");
  return 0;
}
