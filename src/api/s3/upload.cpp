#include "api/s3/upload.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "aws/sigv4.hpp"

namespace holdfast::api::s3 {

Result<std::pair<std::filesystem::path, Fd>> make_temporary_file(const std::filesystem::path& directory) {
  std::string name = (directory / "body-XXXXXX").string();
  Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return fail_errno("making a file for a body in " + directory.string(), errno);
  return std::pair<std::filesystem::path, Fd>(name, std::move(fd));
}

Upload::Upload(std::filesystem::path path, Fd fd, BodyExpectation expected)
    : path_(std::move(path)), fd_(std::move(fd)), expected_(std::move(expected)) {
  if (expected_.chunked) decoder_.emplace();
}

Upload::~Upload() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<std::unique_ptr<Upload>> Upload::open(const std::filesystem::path& directory, BodyExpectation expected) {
  auto file = make_temporary_file(directory);
  if (!file) return fail(file.error());
  return std::unique_ptr<Upload>(new Upload(std::move(file->first), std::move(file->second), std::move(expected)));
}

Result<void> Upload::write(std::string_view block) {
  if (!decoder_) return keep(block);
  return decoder_->feed(block, [this](std::string_view bytes) { return keep(bytes); });
}

Result<void> Upload::keep(std::string_view bytes) {
  size_ += bytes.size();
  sha256_.update(bytes);
  md5_.update(bytes);
  return write_all(fd_.get(), bytes, "keeping a body in " + path_.string());
}

S3Result<void> Upload::finish() {
  if (decoder_ && !decoder_->complete())
    return tl::unexpected(S3Error{400, "IncompleteBody", "The body ends before its last chunk."});
  if (expected_.decoded_length && *expected_.decoded_length != size_) {
    return tl::unexpected(
        S3Error{400, "IncompleteBody", "The body does not have the length that x-amz-decoded-content-length says."});
  }
  if (!expected_.sha256.empty() && sha256_.finish_hex() != expected_.sha256) return tl::unexpected(wrong_body_hash());
  const auto md5 = md5_.finish();
  md5_hex_ = aws::to_hex(aws::as_view(md5));
  if (!expected_.md5_base64.empty() && aws::to_base64(aws::as_view(md5)) != expected_.md5_base64) {
    return tl::unexpected(S3Error{400, "BadDigest", "The Content-MD5 you specified did not match what we received."});
  }
  return {};
}

Result<void> Upload::move_to(const std::filesystem::path& path) {
  if (::rename(path_.c_str(), path.c_str()) != 0) return fail_errno("keeping a body as " + path.string(), errno);
  path_.clear();
  return {};
}

S3Result<BodyExpectation> expectation_of(const http::Headers& headers, const std::string& payload_hash) {
  constexpr std::size_t kMd5Base64Length = 24;
  // Taken for done, a condition that was not looked at could lose somebody's object.
  if (headers.find("If-None-Match") || headers.find("If-Match"))
    return tl::unexpected(not_implemented("A conditional PUT"));
  BodyExpectation expected;
  if (payload_hash == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    expected.chunked = true;
    const std::string_view length = headers.get("x-amz-decoded-content-length");
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), value);
    if (error != std::errc() || end != length.data() + length.size())
      return tl::unexpected(S3Error{411, "MissingContentLength", "x-amz-decoded-content-length must be given."});
    expected.decoded_length = value;
  } else if (payload_hash.starts_with("STREAMING-")) {
    return tl::unexpected(not_implemented("A body in signed chunks (" + payload_hash + ")"));
  } else if (payload_hash != aws::kUnsignedPayload) {
    expected.sha256 = payload_hash;
  }
  expected.md5_base64 = headers.get("Content-MD5");
  if (!expected.md5_base64.empty() && expected.md5_base64.size() != kMd5Base64Length)
    return tl::unexpected(S3Error{400, "InvalidDigest", "The Content-MD5 you specified was invalid."});
  return expected;
}

}  // namespace holdfast::api::s3
