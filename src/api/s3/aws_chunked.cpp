#include "api/s3/aws_chunked.hpp"

#include <algorithm>
#include <charconv>

#include "aws/canonical.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr std::string_view kChunkSignature = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";

S3Error wrong_signature() {
  return {403, "SignatureDoesNotMatch",
          "The signature of a chunk does not match what was computed. Check your key and signing method."};
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

void AwsChunkedDecoder::refuse(std::string message) { problem_ = S3Error{400, "IncompleteBody", std::move(message)}; }

Result<void> AwsChunkedDecoder::feed(std::string_view block, const Keep& keep) {
  while (!block.empty() && !problem_) {
    if (expecting_ == Expecting::nothing) {
      refuse("There is more behind the end of the body's chunks.");
    } else if (expecting_ == Expecting::bytes) {
      const auto bytes = block.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), bytes_left_)));
      if (auto kept = keep(bytes); !kept) return kept;
      if (signatures_) chunk_digest_.update(bytes);
      bytes_left_ -= bytes.size();
      block.remove_prefix(bytes.size());
      if (bytes_left_ == 0) expecting_ = Expecting::end_of_bytes;
    } else {
      const auto end = block.find('\n');
      line_ += block.substr(0, end);
      if (line_.size() > kMaxChunkLine) refuse("A line between the body's chunks is too long.");
      if (end == std::string_view::npos) return {};
      block.remove_prefix(end + 1);
      if (line_.ends_with('\r')) line_.pop_back();
      if (!problem_) take_line();
      line_.clear();
    }
  }
  return {};
}

void AwsChunkedDecoder::take_line() {
  if (expecting_ == Expecting::size) return take_size();
  if (expecting_ == Expecting::trailer) return take_trailer();
  if (!line_.empty()) return refuse("A chunk is longer than it says.");
  expecting_ = Expecting::size;
  end_chunk();
}

void AwsChunkedDecoder::take_size() {
  const std::size_t digits = std::min(line_.find(';'), line_.size());
  const auto [end, error] = std::from_chars(line_.data(), line_.data() + digits, bytes_left_, 16);
  if (digits == 0 || error != std::errc() || end != line_.data() + digits)
    return refuse("A chunk's size is not a hexadecimal number.");
  const auto extension = std::string_view(line_).substr(std::min(line_.size(), digits + 1));
  given_signature_ = extension.starts_with(kChunkSignature) ? extension.substr(kChunkSignature.size()) : "";
  expecting_ = bytes_left_ == 0 ? Expecting::trailer : Expecting::bytes;
  if (bytes_left_ == 0) end_chunk();
}

void AwsChunkedDecoder::end_chunk() {
  if (signatures_ && signatures_->of_chunk(chunk_digest_.finish_hex()) != given_signature_)
    problem_ = wrong_signature();
}

void AwsChunkedDecoder::take_trailer() {
  if (line_.empty()) {
    // Some clients leave a line free before the signature.
    if (!trailer_signed_ || trailer_.find(kTrailerSignature)) expecting_ = Expecting::nothing;
    return;
  }
  if (trailer_.size() >= kMaxTrailerLines) return refuse("The trailer has too many lines.");
  const auto colon = std::min(line_.find(':'), line_.size());
  auto name = aws::lower_case(trimmed(std::string_view(line_).substr(0, colon)));
  const auto value = trimmed(std::string_view(line_).substr(std::min(line_.size(), colon + 1)));
  if (trailer_signed_ && name == kTrailerSignature) {
    if (!signatures_ || signatures_->of_trailer(signed_trailer_) != value) problem_ = wrong_signature();
  } else {
    signed_trailer_ += name + ":" + std::string(value) + "\n";
  }
  trailer_.add(std::move(name), std::string(value));
}

}  // namespace holdfast::api::s3
