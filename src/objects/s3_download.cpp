#include "objects/s3_download.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "aws/crc.hpp"
#include "aws/sha256.hpp"
#include "base/log.hpp"
#include "objects/object_file.hpp"
#include "objects/s3_answers.hpp"

namespace holdfast::objects {

namespace {

constexpr const char* kChecksum = "x-amz-checksum-crc32c";
constexpr int kMaxBreaks = 10;  // in a row, without one byte between them

// "bytes 0-99/1234": where it begins.
std::optional<std::uint64_t> begin_of(std::string_view content_range) {
  if (!content_range.starts_with("bytes ")) return std::nullopt;
  content_range.remove_prefix(6);
  std::uint64_t begin = 0;
  const auto parsed = std::from_chars(content_range.data(), content_range.data() + content_range.size(), begin);
  if (parsed.ec != std::errc{} || parsed.ptr == content_range.data() + content_range.size() || *parsed.ptr != '-')
    return std::nullopt;
  return begin;
}

// Of the whole object; one of an object in parts is made of the parts' and ends in "-N".
std::optional<std::string> whole_checksum(const http::Headers& headers) {
  const auto said = headers.get(kChecksum);
  if (said.empty() || said.find('-') != std::string_view::npos) return std::nullopt;
  return std::string{said};
}

std::string in_base64(const aws::Crc& crc) { return aws::to_base64(aws::crc_bytes(aws::CrcKind::crc32c, crc.value())); }

// One object on its way, over as many connections as it takes.
struct Download {
  std::uint64_t offset, length;
  const ports::ObjectStore::Sink& sink;
  const std::string& version;  // empty: whichever is there
  std::uint64_t got = 0;
  bool got_more = false;  // since the connection last broke
  std::string etag = {};  // of the first answer
  std::optional<std::string> checksum = {};
  aws::Crc crc{aws::CrcKind::crc32c};

  bool whole() const { return offset == 0 && length == ports::kToTheEnd; }
  bool ranged() const { return !whole() || got > 0; }

  std::string range() const {
    const auto begin = offset + got;
    if (length == ports::kToTheEnd) return fmt::format("bytes={}-", begin);
    return fmt::format("bytes={}-{}", begin, offset + (length - 1));
  }

  Result<void> start(const http::Response& head) {
    const auto now = head.headers.get("ETag");
    if (got > 0 && !etag.empty() && now != etag) return fail(Kind::conflict, "it was replaced while it was read");
    // Of a server that does not know If-Match.
    if (!version.empty() && plain_etag(now) != version) return fail(Kind::conflict, "it was replaced");
    if (got == 0) {
      etag = now;
      checksum = whole() ? whole_checksum(head.headers) : std::nullopt;
    }
    if (ranged() && (head.status != 206 || begin_of(head.headers.get("Content-Range")) != offset + got))
      return fail(Kind::permanent, "the server does not send ranges of objects");
    return {};
  }

  Result<void> take(std::string_view block) {
    if (block.size() > length - got) return fail(Kind::permanent, "the server sends more than it was asked for");
    if (checksum) crc.update(block);
    got += block.size();
    got_more = true;
    return sink(block);
  }
};

}  // namespace

Result<std::uint64_t> download(S3Requests& requests, const std::string& bucket, const std::string& key,
                               const std::string& version, std::uint64_t offset, std::uint64_t length,
                               const ports::ObjectStore::Sink& sink) {
  const auto what = "reading " + uri(bucket, key);
  if (length == 0) return std::uint64_t{0};
  if (length != ports::kToTheEnd) length = std::min(length, ports::kToTheEnd - offset);
  Download download{.offset = offset, .length = length, .sink = sink, .version = version};
  const http::Receiver receiver{.start = [&](const auto& head) { return download.start(head); },
                                .block = [&](auto block) { return download.take(block); }};
  for (int breaks = 0;;) {
    S3Request request{.bucket = bucket, .key = key};
    request.what = what;
    request.receiver = &receiver;
    if (download.ranged()) request.headers.add("Range", download.range());
    if (!version.empty()) {
      request.headers.add("If-Match", fmt::format("\"{}\"", version));
    } else if (download.got > 0 && !download.etag.empty()) {
      request.headers.add("If-Match", download.etag);
    }
    if (download.whole() && download.got == 0) request.headers.add("x-amz-checksum-mode", "ENABLED");
    download.got_more = false;
    const auto done = requests.send(request);
    if (done) break;
    const auto& failure = done.error();
    // Nothing lies there: behind the end, or the end was reached just before the connection broke.
    if (failure.status == 416) return download.got;
    if (failure.error.kind != Kind::try_again || failure.status != 0) return fail(failure.error);
    if (download.got_more) breaks = 0;
    if (download.got == length) break;
    if (!download.got_more || ++breaks > kMaxBreaks) return fail(failure.error);
    log_debug("{}; going on from byte {}", failure.error.message, offset + download.got);
    if (!requests.pause(pause_before(breaks, false, requests.random_number()))) return fail(failure.error);
  }
  if (download.checksum && in_base64(download.crc) != *download.checksum)
    return fail(Kind::try_again, "{}: the bytes that came have not the checksum that it was stored with", what);
  return download.got;
}

Result<std::string> download_bytes(S3Requests& requests, const std::string& bucket, const std::string& key,
                                   std::size_t limit) {
  S3Request request{.bucket = bucket, .key = key};
  request.what = "reading " + uri(bucket, key);
  request.max_answer = limit;
  request.headers.add("x-amz-checksum-mode", "ENABLED");
  for (int attempt = 0;; ++attempt) {
    auto done = requests.send(request);
    if (!done) {
      auto& failure = done.error();
      // Invalid is an object that is too large, which speaks against it; a refused request does not.
      if (failure.status != 0 && failure.error.kind == Kind::invalid) failure.error.kind = Kind::permanent;
      return fail(std::move(failure.error));
    }
    auto& response = done->response;
    aws::Crc crc(aws::CrcKind::crc32c);
    crc.update(response.body);
    const auto checksum = whole_checksum(response.headers);
    if (!checksum || in_base64(crc) == *checksum) return std::move(response.body);
    if (attempt == 2)
      return fail(Kind::try_again, "{}: the bytes that came have not the checksum that it was stored with",
                  request.what);
  }
}

}  // namespace holdfast::objects
