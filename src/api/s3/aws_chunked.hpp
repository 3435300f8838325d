// Takes aws-chunked framing off a body that comes in blocks:
//
//   *( hex-size [";" extension] CRLF bytes CRLF ) "0" [";" extension] CRLF *( trailer CRLF ) CRLF
//
// The trailer's checksum is not looked at: over the plain connections that we serve, clients sign the body instead.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxChunkLine = 4 * 1024;
constexpr std::size_t kMaxTrailerLines = 16;

class AwsChunkedDecoder {
 public:
  using Keep = std::function<Result<void>(std::string_view)>;
  // Kind::invalid: not such a body.
  Result<void> feed(std::string_view block, const Keep& keep);
  bool complete() const { return expecting_ == Expecting::nothing; }

 private:
  enum class Expecting { size, bytes, end_of_bytes, trailer, nothing };
  Result<void> take_line();

  Expecting expecting_ = Expecting::size;
  std::string line_;  // what has come of it so far
  std::uint64_t bytes_left_ = 0;
  std::size_t trailer_lines_ = 0;
};

}  // namespace holdfast::api::s3
