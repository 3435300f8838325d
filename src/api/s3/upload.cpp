#include "api/s3/upload.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "aws/canonical.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr std::size_t kMd5Base64Length = 24;

S3Error bad_digest(std::string_view name) {
  return {400, "BadDigest", fmt::format("The {} you specified did not match what we received.", name)};
}
S3Error invalid_digest() { return {400, "InvalidDigest", "The Content-MD5 you specified was invalid."}; }

}  // namespace

Result<std::pair<std::filesystem::path, Fd>> make_temporary_file(const std::filesystem::path& directory) {
  std::string name = (directory / "body-XXXXXX").string();
  Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return fail_errno("making a file for a body in " + directory.string(), errno);
  return std::pair<std::filesystem::path, Fd>(name, std::move(fd));
}

void Upload::expect(BodyExpectation expected) {
  expected_ = std::move(expected);
  if (expected_.chunked) {
    using Trailer = AwsChunkedDecoder::Trailer;
    decoder_.emplace(std::move(expected_.chunk_signatures),
                     expected_.trailer_signed ? Trailer::is_signed : Trailer::unsigned_or_none);
  }
  if (!expected_.sha256.empty()) sha256_.emplace();
  if (expected_.checksum) checksum_digest_.emplace(*expected_.checksum);
}

Upload::~Upload() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<std::unique_ptr<Upload>> Upload::open(const std::filesystem::path& directory, BodyExpectation expected) {
  auto file = make_temporary_file(directory);
  if (!file) return fail(file.error());
  std::unique_ptr<Upload> upload(new Upload(std::move(file->first), std::move(file->second)));
  upload->expect(std::move(expected));
  return upload;
}

Result<void> Upload::write(std::string_view block) {
  if (!decoder_) return keep(block);
  return decoder_->feed(block, [this](std::string_view bytes) { return keep(bytes); });
}

Result<void> Upload::keep(std::string_view bytes) {
  size_ += bytes.size();
  if (sha256_) sha256_->update(bytes);
  if (checksum_digest_) checksum_digest_->update(bytes);
  md5_.update(bytes);
  return write_all(fd_.get(), bytes, "keeping a body in " + path_.string());
}

S3Result<void> Upload::check_framing() const {
  if (decoder_ && decoder_->problem()) return tl::unexpected(*decoder_->problem());
  if (decoder_ && !decoder_->complete())
    return tl::unexpected(S3Error{400, "IncompleteBody", "The body ends before its last chunk."});
  if (expected_.decoded_length && *expected_.decoded_length != size_) {
    return tl::unexpected(
        S3Error{400, "IncompleteBody", "The body does not have the length that x-amz-decoded-content-length says."});
  }
  return {};
}

S3Result<void> Upload::check_checksum() {
  if (!checksum_digest_) return {};
  checksum_ = checksum_digest_->finish();
  const auto header = header_of(checksum_->algorithm);
  if (expected_.checksum_in_trailer) {
    const auto* given = decoder_ ? decoder_->trailer().find(header) : nullptr;
    if (!given)
      return tl::unexpected(S3Error{400, "MalformedTrailerError", "The trailer lacks the " + header + " announced."});
    expected_.checksum_base64 = *given;
  }
  if (!expected_.checksum_base64.empty() && expected_.checksum_base64 != checksum_->base64())
    return tl::unexpected(bad_digest(header));
  return {};
}

S3Result<void> Upload::finish() {
  if (auto whole = check_framing(); !whole) return whole;
  if (size_ > kMaxObject)
    return tl::unexpected(
        S3Error{400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size of one put."});
  if (sha256_ && sha256_->finish_hex() != expected_.sha256) return tl::unexpected(wrong_body_hash());
  const auto md5 = md5_.finish();
  md5_hex_ = aws::to_hex(aws::as_view(md5));
  if (!expected_.md5_base64.empty() && aws::to_base64(aws::as_view(md5)) != expected_.md5_base64)
    return tl::unexpected(bad_digest("Content-MD5"));
  return check_checksum();
}

std::filesystem::path Upload::give_away() { return std::exchange(path_, {}); }

namespace {

// The one checksum that the headers, or the trailer that they announce, hold.
S3Result<void> expect_checksum(const http::Headers& headers, BodyExpectation& expected) {
  const auto set = [&](ChecksumAlgorithm algorithm) {
    if (expected.checksum && *expected.checksum != algorithm) return false;
    expected.checksum = algorithm;
    return true;
  };
  const tl::unexpected<S3Error> several(
      invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."));
  for (const auto& [name, value] : headers) {
    const auto algorithm = checksum_in_header(name);
    if (!algorithm) continue;
    if (!set(*algorithm)) return several;
    const auto bytes = aws::from_base64(value);
    if (!bytes || bytes->size() != checksum_length(*algorithm))
      return tl::unexpected(invalid_request("Value for " + aws::lower_case(name) + " header is invalid."));
    expected.checksum_base64 = value;
  }
  if (const auto trailer = headers.get("x-amz-trailer"); !trailer.empty()) {
    const auto algorithm = checksum_in_header(trailer);
    if (!algorithm || !expected.chunked)
      return tl::unexpected(invalid_request("The value specified in the x-amz-trailer header is not supported"));
    if (!set(*algorithm)) return several;
    expected.checksum_in_trailer = true;
  }
  if (const auto named = headers.get("x-amz-sdk-checksum-algorithm"); !named.empty()) {
    const auto algorithm = checksum_named(named);
    if (!algorithm)
      return tl::unexpected(
          invalid_request("Checksum algorithm provided is unsupported: use CRC32, CRC32C, CRC64NVME, "
                          "SHA1 or SHA256."));
    if (!set(*algorithm)) return several;
  }
  return {};
}

S3Result<void> expect_md5(const http::Headers& headers, BodyExpectation& expected) {
  expected.md5_base64 = headers.get("Content-MD5");
  if (headers.find("Content-MD5") && expected.md5_base64.size() != kMd5Base64Length)
    return tl::unexpected(invalid_digest());
  return {};
}

S3Result<void> expect_length(const http::Headers& headers, BodyExpectation& expected) {
  expected.decoded_length = number_in(headers.get("x-amz-decoded-content-length"));
  if (!expected.decoded_length)
    return tl::unexpected(S3Error{411, "MissingContentLength", "x-amz-decoded-content-length must be given."});
  if (*expected.decoded_length > kMaxObject)
    return tl::unexpected(
        S3Error{400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size of one put."});
  return {};
}

}  // namespace

S3Result<BodyExpectation> expectation_of(const http::Headers& headers, const std::string& payload_hash,
                                         const std::optional<aws::ChunkSignatures>& chunks) {
  BodyExpectation expected;
  if (payload_hash == aws::kUnsignedChunksAndTrailer || payload_hash == aws::kSignedChunks ||
      payload_hash == aws::kSignedChunksAndTrailer) {
    expected.chunked = true;
    expected.chunk_signatures = chunks;
    expected.trailer_signed = payload_hash == aws::kSignedChunksAndTrailer;
    if (auto fine = expect_length(headers, expected); !fine) return tl::unexpected(fine.error());
  } else if (payload_hash.starts_with("STREAMING-")) {
    return tl::unexpected(not_implemented("A body signed as " + payload_hash));
  } else if (payload_hash != aws::kUnsignedPayload) {
    expected.sha256 = payload_hash;
  }
  if (auto fine = expect_md5(headers, expected); !fine) return tl::unexpected(fine.error());
  if (auto fine = expect_checksum(headers, expected); !fine) return tl::unexpected(fine.error());
  return expected;
}

S3Result<void> check_body(const http::Headers& headers, std::string_view body) {
  BodyExpectation expected;
  if (auto fine = expect_md5(headers, expected); !fine) return fine;
  if (auto fine = expect_checksum(headers, expected); !fine) return fine;
  if (!expected.md5_base64.empty()) {
    aws::Md5 md5;
    md5.update(body);
    if (aws::to_base64(aws::as_view(md5.finish())) != expected.md5_base64)
      return tl::unexpected(bad_digest("Content-MD5"));
  }
  if (expected.checksum && !expected.checksum_base64.empty()) {
    ChecksumDigest digest(*expected.checksum);
    digest.update(body);
    if (digest.finish().base64() != expected.checksum_base64)
      return tl::unexpected(bad_digest(header_of(*expected.checksum)));
  }
  return {};
}

}  // namespace holdfast::api::s3
