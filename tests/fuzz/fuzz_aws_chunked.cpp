// A body in aws-chunked framing: in one piece and in pieces of the first byte's length it must be the same body.
#include <fmt/format.h>

#include "api/s3/aws_chunked.hpp"
#include "fuzz/input.hpp"

namespace holdfast::fuzz {
namespace {

struct Decoded {
  bool accepted = true;
  bool complete = false;
  std::string body;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view framed, std::size_t piece) {
  Decoded decoded;
  api::s3::AwsChunkedDecoder decoder;
  const auto keep = [&](std::string_view block) -> Result<void> {
    ENSURE(!block.empty(), "an empty block");
    decoded.body += block;
    return {};
  };
  while (!framed.empty() && decoded.accepted) {
    ENSURE(decoder.feed(framed.substr(0, piece), keep), "nothing failed to be kept");
    decoded.accepted = !decoder.problem();
    framed.remove_prefix(std::min(piece, framed.size()));
  }
  decoded.complete = decoded.accepted && decoder.complete();
  return decoded;
}

std::string framed(std::string_view body, std::size_t chunk) {
  std::string out;
  for (; !body.empty(); body.remove_prefix(std::min(chunk, body.size()))) {
    const auto part = body.substr(0, chunk);
    out += fmt::format("{:x}\r\n{}\r\n", part.size(), part);
  }
  return out + "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  const std::size_t piece = 1 + input.byte();
  const auto text = input.rest();
  const auto whole = fuzz::decode(text, std::max<std::size_t>(1, text.size()));
  const auto in_pieces = fuzz::decode(text, piece);
  ENSURE(whole.accepted == in_pieces.accepted && whole.complete == in_pieces.complete, "it depends on the pieces");
  if (whole.accepted) ENSURE(whole.body == in_pieces.body, "another body in pieces of {}", piece);
  const auto ours = fuzz::decode(fuzz::framed(text, piece), 7);
  ENSURE(ours.complete && ours.body == text, "a body that we framed ourselves does not come back");
  return 0;
}
