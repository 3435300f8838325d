#include "objects/s3_uploads.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "aws/crc.hpp"
#include "aws/sha256.hpp"
#include "base/log.hpp"
#include "objects/object_file.hpp"
#include "objects/s3_answers.hpp"

namespace holdfast::objects {

namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr int kMaxSpoilt = 3;  // answers in a row that speak of other bytes than were sent
constexpr const char* kMark = "x-amz-meta-holdfast-upload";

std::uint32_t crc_of(std::string_view bytes) {
  aws::Crc crc(aws::CrcKind::crc32c);
  crc.update(bytes);
  return static_cast<std::uint32_t>(crc.value());
}

// Block by block, while it is warm: read, and what its reader makes of it, and the checksum.
Result<std::uint32_t> fill(ports::Source& source, std::uint64_t offset, std::span<char> into) {
  aws::Crc crc(aws::CrcKind::crc32c);
  for (std::size_t at = 0; at < into.size(); at += ports::kSourceBlock) {
    const auto block = into.subspan(at, std::min(ports::kSourceBlock, into.size() - at));
    if (auto read = source.read(offset + at, block); !read) return fail(read.error());
    crc.update({block.data(), block.size()});
  }
  return static_cast<std::uint32_t>(crc.value());
}

// Another checksum in the answer than the one that was sent: the server has something else than we have.
Result<void> check_answer(const http::Response& answer, std::optional<std::uint32_t> crc, std::string_view what) {
  const auto said = answer.headers.get("x-amz-checksum-crc32c");
  if (!crc || said.empty() || said == aws::to_base64(aws::crc_bytes(aws::CrcKind::crc32c, *crc))) return {};
  return fail(Kind::try_again, "{}: the server has other bytes than those that were sent (checksum {})", what, said);
}

}  // namespace

std::uint64_t part_size_for(std::uint64_t size, std::uint64_t preferred) {
  const auto least = (size + kMaxParts - 1) / kMaxParts;
  return std::max(preferred, (least + kMiB - 1) / kMiB * kMiB);
}

std::uint64_t S3Uploads::Upload::length_of(std::size_t index) const {
  return std::min(part_size, size - index * part_size);
}

std::string S3Uploads::Target::uri() const { return objects::uri(bucket, key); }

// Parts up to half of the memory are read once, into memory; larger ones twice, in blocks.
S3Uploads::S3Uploads(const S3Options& options, S3Requests& requests, Workers& workers)
    : options_(options),
      requests_(requests),
      workers_(workers),
      buffer_size_(static_cast<std::size_t>(std::min(options.part_size, options.memory / 2 / kMiB * kMiB))),
      buffers_(options.memory, buffer_size_) {}

void S3Uploads::say_encryption(http::Headers& headers) const {
  if (options_.encryption == Encryption::bucket_default) return;
  const bool kms = options_.encryption == Encryption::kms;
  headers.add("x-amz-server-side-encryption", kms ? "aws:kms" : "AES256");
  if (!kms) return;
  if (!options_.kms_key.empty()) headers.add("x-amz-server-side-encryption-aws-kms-key-id", options_.kms_key);
  if (options_.bucket_key)
    headers.add("x-amz-server-side-encryption-bucket-key-enabled", *options_.bucket_key ? "true" : "false");
}

Result<void> S3Uploads::put_whole(const Target& target, std::string_view bytes, std::uint32_t crc) {
  S3Request request{.method = "PUT", .bucket = target.bucket, .key = target.key};
  request.what = "uploading " + target.uri();
  request.body = bytes;
  request.crc = crc;
  say_encryption(request.headers);
  const auto answer = send_checked(request);
  return answer ? Result<void>{} : fail(answer.error());
}

Result<http::Response> S3Uploads::send_checked(const S3Request& request) {
  for (int attempt = 1;; ++attempt) {
    auto done = requests_.send(request);
    if (!done) return fail(std::move(done.error().error));
    auto right = check_answer(done->response, request.crc, request.what);
    if (right) return std::move(done->response);
    if (attempt == kMaxSpoilt) return fail(std::move(right.error()));
  }
}

Result<void> S3Uploads::put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) {
  return put_whole({bucket, key}, bytes, crc_of(bytes));
}

Result<void> S3Uploads::put(const std::string& bucket, const std::string& key, ports::Source& source) {
  const Target target{bucket, key};
  const auto size = source.size();
  if (size == 0) return put_whole(target, {}, crc_of({}));
  if (size > buffer_size_) return put_in_parts(target, source);
  const auto buffer = buffers_.take(static_cast<std::size_t>(size));
  const auto crc = fill(source, 0, buffer.bytes());
  if (!crc) return fail(crc.error(), "uploading {}", target.uri());
  return put_whole(target, {buffer.bytes().data(), buffer.bytes().size()}, *crc);
}

Result<void> S3Uploads::put_in_parts(const Target& target, ports::Source& source) {
  const auto size = source.size();
  const auto part_size = part_size_for(size, options_.part_size);
  if (part_size > kMaxPartSize)
    return fail(Kind::invalid, "uploading {}: {} bytes are more than one object can have", target.uri(), size);
  auto upload = take_unfinished(target, size);
  const bool resumed = upload.has_value();
  if (!upload) {
    auto begun = begin(target, size, part_size, requests_.sends_checksums());
    if (!begun) return fail(std::move(begun.error()));
    upload = std::move(*begun);
  }
  auto done = workers_.each(upload->parts.size(), options_.connections, [&](std::size_t index) {
    return upload->part_size <= buffer_size_ ? put_part(target, *upload, index, source)
                                             : stream_part(target, *upload, index, source);
  });
  if (done) done = complete(target, *upload);
  if (done) return done;
  if (done.error().kind == Kind::try_again) {
    keep_unfinished(target, std::move(*upload));
    return done;
  }
  abort(target, upload->id);
  // Somebody has aborted what we had kept: from the beginning, once.
  if (resumed && done.error().kind == Kind::not_found) return put_in_parts(target, source);
  return done;
}

S3Request S3Uploads::part_request(const Target& target, const Upload& upload, std::size_t index) const {
  S3Request request{.method = "PUT", .bucket = target.bucket, .key = target.key};
  request.query = {{"partNumber", std::to_string(index + 1)}, {"uploadId", upload.id}};
  request.what = fmt::format("uploading part {} of {} of {}", index + 1, upload.parts.size(), target.uri());
  return request;
}

Result<void> S3Uploads::send_part(const Target&, Upload& upload, std::size_t index, S3Request request) {
  const auto answer = send_checked(request);
  if (!answer) return fail(answer.error());
  auto etag = plain_etag(answer->headers.get("ETag"));
  if (etag.empty()) return fail(Kind::try_again, "{}: the answer has no ETag", request.what);
  upload.parts[index] = {std::move(etag), request.crc};
  return {};
}

Result<void> S3Uploads::put_part(const Target& target, Upload& upload, std::size_t index, ports::Source& source) {
  const auto length = static_cast<std::size_t>(upload.length_of(index));
  const auto buffer = buffers_.take(length);
  const auto crc = fill(source, index * upload.part_size, buffer.bytes());
  if (!crc) return fail(crc.error(), "uploading {}", target.uri());
  if (const auto& part = upload.parts[index]; !part.etag.empty() && part.crc == *crc) return {};
  auto request = part_request(target, upload, index);
  request.body = {buffer.bytes().data(), length};
  request.crc = *crc;
  return send_part(target, upload, index, std::move(request));
}

// The checksum goes before the bytes, and they are too many to keep: so they are read once for it, and again to be
// sent.
Result<void> S3Uploads::stream_part(const Target& target, Upload& upload, std::size_t index, ports::Source& source) {
  const auto begin = index * upload.part_size, length = upload.length_of(index);
  std::optional<std::uint32_t> crc;
  {
    const auto buffer = buffers_.take(ports::kSourceBlock);
    aws::Crc digest(aws::CrcKind::crc32c);
    for (std::uint64_t at = 0; at < length; at += ports::kSourceBlock) {
      const auto block =
          buffer.bytes().first(static_cast<std::size_t>(std::min<std::uint64_t>(ports::kSourceBlock, length - at)));
      if (auto read = source.read(begin + at, block); !read) return fail(read.error(), "uploading {}", target.uri());
      digest.update({block.data(), block.size()});
    }
    crc = static_cast<std::uint32_t>(digest.value());
  }
  if (const auto& part = upload.parts[index]; !part.etag.empty() && part.crc == crc) return {};
  auto request = part_request(target, upload, index);
  request.length = length;
  request.crc = crc;
  // The last block is held back if the bytes are not those of the first time: no server takes a part that is short.
  aws::Crc sent(aws::CrcKind::crc32c);
  request.reader = [&, begin, length](std::uint64_t offset, std::span<char> into) -> Result<void> {
    if (offset == 0) sent = aws::Crc(aws::CrcKind::crc32c);
    if (auto read = source.read(begin + offset, into); !read) return read;
    sent.update({into.data(), into.size()});
    if (offset + into.size() == length && sent.value() != *crc)
      return fail(Kind::conflict, "the file changed while it was sent");
    return {};
  };
  return send_part(target, upload, index, std::move(request));
}

Result<S3Uploads::Upload> S3Uploads::begin(const Target& target, std::uint64_t size, std::uint64_t part_size,
                                           bool checksums) {
  Upload upload;
  upload.size = size;
  upload.part_size = part_size;
  upload.parts.resize(static_cast<std::size_t>((size + part_size - 1) / part_size));
  upload.mark = fmt::format("{:016x}{:016x}", requests_.random_number(), requests_.random_number());
  S3Request request{.method = "POST", .bucket = target.bucket, .key = target.key};
  request.query = {{"uploads", ""}};
  request.headers.add(kMark, upload.mark);
  if (checksums) request.headers.add("x-amz-checksum-algorithm", "CRC32C");
  say_encryption(request.headers);
  request.what = "beginning the upload of " + target.uri();
  const auto done = requests_.send(request);
  if (!done) return fail(done.error().error);
  auto id = parse_upload_id(done->response.body);
  if (!id) return fail(id.error(), "{}", request.what);
  upload.id = std::move(*id);
  const std::lock_guard lock(mutex_);
  open_.insert(upload.id);
  return upload;
}

Result<void> S3Uploads::complete(const Target& target, const Upload& upload) {
  std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t i = 0; i < upload.parts.size(); ++i) {
    const auto& part = upload.parts[i];
    body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>\"{}\"</ETag>", i + 1, part.etag);
    if (part.crc && requests_.sends_checksums())
      body += fmt::format("<ChecksumCRC32C>{}</ChecksumCRC32C>",
                          aws::to_base64(aws::crc_bytes(aws::CrcKind::crc32c, *part.crc)));
    body += "</Part>";
  }
  body += "</CompleteMultipartUpload>";
  S3Request request{.method = "POST", .bucket = target.bucket, .key = target.key};
  request.query = {{"uploadId", upload.id}};
  request.headers.add("Content-Type", "application/xml");
  request.body = body;
  request.long_work = true;
  request.what = "completing the upload of " + target.uri();
  const auto done = requests_.send(request);
  if (done) {
    if (auto completed = parse_completion(done->response.body); !completed)
      return fail(completed.error(), "{}", request.what);
    forget(upload.id);
    return {};
  }
  // It may have been done, and only the answer lost: then there is no such upload any more, but there is the object.
  const auto& failure = done.error();
  if (failure.code != "NoSuchUpload" && failure.status != 404) return fail(failure.error);
  const auto there = is_there(target, upload);
  if (!there) return fail(there.error());
  if (!*there) return fail(failure.error);
  forget(upload.id);
  return {};
}

Result<bool> S3Uploads::is_there(const Target& target, const Upload& upload) {
  S3Request request{.method = "HEAD", .bucket = target.bucket, .key = target.key};
  request.what = "looking whether " + target.uri() + " is complete";
  const auto done = requests_.send(request);
  if (!done && done.error().error.kind == Kind::not_found) return false;
  if (!done) return fail(done.error().error);
  return done->response.headers.get(kMark) == upload.mark;
}

void S3Uploads::abort(const Target& target, const std::string& id) {
  S3Request request{.method = "DELETE", .bucket = target.bucket, .key = target.key};
  request.query = {{"uploadId", id}};
  request.what = "aborting the upload of " + target.uri();
  const auto done = requests_.send(request);
  if (!done && done.error().error.kind != Kind::not_found) log_warn("{}", done.error().error.message);
  forget(id);
}

void S3Uploads::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  open_.erase(id);
}

bool S3Uploads::is_ours(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return open_.contains(id);
}

std::optional<S3Uploads::Upload> S3Uploads::take_unfinished(const Target& target, std::uint64_t size) {
  std::optional<Upload> upload;
  {
    const std::lock_guard lock(mutex_);
    const auto kept = unfinished_.extract(target.uri());
    if (kept.empty()) return std::nullopt;
    upload = std::move(kept.mapped());
  }
  if (upload->size == size) return upload;
  abort(target, upload->id);
  return std::nullopt;
}

void S3Uploads::keep_unfinished(const Target& target, Upload upload) {
  const std::lock_guard lock(mutex_);
  // One that finds no room is an orphan like those of a process that died.
  if (unfinished_.size() < kMaxUnfinished)
    unfinished_[target.uri()] = std::move(upload);
  else
    open_.erase(upload.id);
}

}  // namespace holdfast::objects
