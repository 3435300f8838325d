// What S3Uploads does on the server's side alone: copies, and the end of uploads that nobody will finish.
#include <fmt/format.h>

#include <charconv>

#include "objects/object_file.hpp"
#include "objects/s3_address.hpp"
#include "objects/s3_answers.hpp"
#include "objects/s3_times.hpp"
#include "objects/s3_uploads.hpp"

namespace holdfast::objects {

namespace {

constexpr std::uint64_t kMaxCopy = 5ull << 30;       // in one request
constexpr std::uint64_t kCopiedPart = 512ull << 20;  // the server's work, not ours: few and large
constexpr std::size_t kMaxUploadPages = 1000;

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string copy_source(const std::string& bucket, const std::string& key) {
  return "/" + bucket + "/" + encode_uri(key, true);
}

}  // namespace

Result<void> S3Uploads::copy(const std::string& bucket, const std::string& from, const std::string& to) {
  if (from == to) {  // S3 refuses that, and there is nothing to do but to look whether it is there
    const auto there = head_of({bucket, from});
    return there ? Result<void>{} : fail(there.error());
  }
  S3Request request{.method = "PUT", .bucket = bucket, .key = to};
  request.headers.add("x-amz-copy-source", copy_source(bucket, from));
  say_encryption(request.headers);
  request.long_work = true;
  request.what = fmt::format("copying {} to {}", uri(bucket, from), uri(bucket, to));
  const auto done = requests_.send(request);
  if (done) {
    const auto etag = parse_etag(done->response.body);
    return etag ? Result<void>{} : fail(etag.error(), "{}", request.what);
  }
  if (done.error().error.kind != Kind::invalid) return fail(done.error().error);
  // Too large for one request? Only then is it worth asking how large.
  const auto source = head_of({bucket, from});
  if (!source) return fail(source.error());
  if (source->size <= kMaxCopy) return fail(done.error().error);
  return copy_in_parts({bucket, to}, from, *source);
}

Result<void> S3Uploads::copy_in_parts(const Target& target, const std::string& from, const ports::ObjectInfo& source) {
  auto upload = begin(target, source.size, part_size_for(source.size, kCopiedPart), false);
  if (!upload) return fail(upload.error());
  auto done = workers_.each(upload->parts.size(), options_.connections, [&](std::size_t index) -> Result<void> {
    auto request = part_request(target, *upload, index);
    request.headers.add("x-amz-copy-source", copy_source(target.bucket, from));
    const auto begin_at = index * upload->part_size;
    request.headers.add("x-amz-copy-source-range",
                        fmt::format("bytes={}-{}", begin_at, begin_at + upload->length_of(index) - 1));
    if (!source.etag.empty()) request.headers.add("x-amz-copy-source-if-match", "\"" + source.etag + "\"");
    request.long_work = true;
    const auto part = requests_.send(request);
    if (!part) return fail(part.error().error);
    auto etag = parse_etag(part->response.body);
    if (!etag) return fail(etag.error(), "{}", request.what);
    upload->parts[index].etag = std::move(*etag);
    return {};
  });
  if (done) done = complete(target, *upload);
  if (!done) abort(target, upload->id);
  return done;
}

ports::ObjectInfo info_of(const std::string& key, const http::Response& answer) {
  ports::ObjectInfo info;
  info.key = key;
  info.size = number_of(answer.headers.get("Content-Length"));
  info.etag = plain_etag(answer.headers.get("ETag"));
  info.modified = parse_http_date(answer.headers.get("Last-Modified")).value_or(Instant{});
  return info;
}

Result<ports::ObjectInfo> S3Uploads::head_of(const Target& target) {
  S3Request request{.method = "HEAD", .bucket = target.bucket, .key = target.key};
  request.what = "looking at " + target.uri();
  const auto done = requests_.send(request);
  if (!done) return fail(done.error().error);
  return info_of(target.key, done->response);
}

Result<std::size_t> S3Uploads::abort_dead(const std::string& bucket, const std::string& prefix,
                                          const ports::ObjectStore::IsDead& is_dead) {
  std::size_t aborted = 0;
  std::string key_marker, id_marker;
  for (std::size_t pages = 0; pages < kMaxUploadPages; ++pages) {
    S3Request request{.bucket = bucket};
    request.query = {{"uploads", ""}, {"prefix", prefix}, {"encoding-type", "url"}};
    if (!key_marker.empty()) request.query.emplace_back("key-marker", key_marker);
    if (!id_marker.empty()) request.query.emplace_back("upload-id-marker", id_marker);
    request.what = "listing the unfinished uploads below " + uri(bucket, prefix);
    const auto done = requests_.send(request);
    if (!done) return fail(done.error().error);
    const auto page = parse_uploads(done->response.body);
    if (!page) return fail(page.error(), "{}", request.what);
    for (const auto& upload : page->uploads) {
      if (!upload.key.starts_with(prefix) || is_ours(upload.id) || !is_dead(upload.key, upload.begun)) continue;
      abort({bucket, upload.key}, upload.id);
      ++aborted;
    }
    if (!page->truncated || page->next_key < key_marker) return aborted;
    key_marker = page->next_key;
    id_marker = page->next_id;
  }
  return aborted;
}

}  // namespace holdfast::objects
