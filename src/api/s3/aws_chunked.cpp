#include "api/s3/aws_chunked.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::api::s3 {

Result<void> AwsChunkedDecoder::feed(std::string_view block, const Keep& keep) {
  while (!block.empty()) {
    if (expecting_ == Expecting::nothing) return fail(Kind::invalid, "reading an aws-chunked body: more after its end");
    if (expecting_ == Expecting::bytes) {
      const auto bytes = block.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), bytes_left_)));
      if (auto kept = keep(bytes); !kept) return kept;
      bytes_left_ -= bytes.size();
      block.remove_prefix(bytes.size());
      if (bytes_left_ == 0) expecting_ = Expecting::end_of_bytes;
      continue;
    }
    const auto end = block.find('\n');
    line_ += block.substr(0, end);
    if (line_.size() > kMaxChunkLine) return fail(Kind::invalid, "reading an aws-chunked body: a line is too long");
    if (end == std::string_view::npos) return {};
    block.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    if (auto taken = take_line(); !taken) return taken;
    line_.clear();
  }
  return {};
}

Result<void> AwsChunkedDecoder::take_line() {
  if (expecting_ == Expecting::end_of_bytes) {
    if (!line_.empty()) return fail(Kind::invalid, "reading an aws-chunked body: a chunk is longer than it says");
    expecting_ = Expecting::size;
  } else if (expecting_ == Expecting::size) {
    const std::size_t digits = std::min(line_.find(';'), line_.size());
    const auto [end, error] = std::from_chars(line_.data(), line_.data() + digits, bytes_left_, 16);
    if (digits == 0 || error != std::errc() || end != line_.data() + digits)
      return fail(Kind::invalid, "reading an aws-chunked body: a chunk's size is not a number");
    expecting_ = bytes_left_ == 0 ? Expecting::trailer : Expecting::bytes;
  } else if (line_.empty()) {
    expecting_ = Expecting::nothing;
  } else if (++trailer_lines_ > kMaxTrailerLines) {
    return fail(Kind::invalid, "reading an aws-chunked body: its trailer is too long");
  }
  return {};
}

}  // namespace holdfast::api::s3
