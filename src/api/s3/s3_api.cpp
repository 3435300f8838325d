#include "api/s3/s3_api.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "api/s3/listing.hpp"
#include "api/s3/xml.hpp"
#include "base/ensure.hpp"
#include "base/log.hpp"

namespace holdfast::api::s3 {

namespace fs = std::filesystem;

namespace {

http::Response xml_response(std::string body) {
  http::Response response;
  response.headers.add("Content-Type", "application/xml");
  response.body = std::move(body);
  return response;
}

http::Response empty_response(int status) {
  http::Response response;
  response.status = status;
  return response;
}

http::Response with_etag(const std::string& etag) {
  http::Response response;
  if (!etag.empty()) response.headers.add("ETag", "\"" + etag + "\"");
  return response;
}

void remove_leftovers(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) fs::remove(entry.path(), error);
}

}  // namespace

S3Api::S3Api(S3Parts parts)
    : objects_(parts.objects),
      new_id_(std::move(parts.new_id)),
      incoming_(parts.upload_directory / "incoming"),
      downloads_(parts.objects, parts.clock, incoming_),
      multipart_(parts.clock, parts.upload_directory / "multipart") {
  // An error shows again, with its reason, in the answer to the first upload.
  for (const char* part : {"incoming", "multipart"}) {
    if (auto made = make_directories(parts.upload_directory / part); !made) log_error("{}", made.error().message);
  }
  remove_leftovers(incoming_);
}

S3Result<std::unique_ptr<Upload>> S3Api::start_upload(const http::RequestHead& head, const std::string& payload_hash) {
  auto expected = expectation_of(head.headers, payload_hash);
  if (!expected) return tl::unexpected(expected.error());
  auto upload = Upload::open(incoming_, std::move(*expected));
  if (!upload) return tl::unexpected(to_s3_error(upload.error(), ""));
  return std::move(*upload);
}

S3Result<http::Response> S3Api::handle(const http::Request& request, Upload* upload) {
  const auto parsed = parse(request);
  if (!parsed) return tl::unexpected(parsed.error());
  if (upload) {
    if (auto whole = upload->finish(); !whole) return tl::unexpected(whole.error());
  }
  if (parsed->bucket.empty()) {
    if (parsed->method == "GET") return list_buckets();
    return tl::unexpected(S3Error{405, "MethodNotAllowed", "The specified method is not allowed here."});
  }
  return parsed->key.empty() ? on_bucket(*parsed) : on_object(*parsed, upload);
}

S3Result<http::Response> S3Api::on_bucket(const S3Request& request) {
  if (request.method == "GET") return list_objects(request);
  if (request.method == "PUT") return create_bucket(request);
  if (request.method == "POST" && request.asks("delete")) return delete_objects(request);
  if (request.method == "HEAD") {
    const auto exists = objects_.bucket_exists(request.bucket);
    if (!exists) return tl::unexpected(to_s3_error(exists.error(), request.bucket));
    return empty_response(*exists ? 200 : 404);
  }
  return tl::unexpected(not_implemented(request.method + " of a bucket"));
}

S3Result<http::Response> S3Api::on_object(const S3Request& request, Upload* upload) {
  const bool multipart = request.asks("uploadId");
  if (request.method == "PUT" && upload)
    return multipart ? upload_part(request, *upload) : put_object(request, *upload);
  if (request.method == "PUT")
    return multipart ? tl::unexpected(not_implemented("UploadPartCopy")) : copy_object(request);
  if (request.method == "POST" && request.asks("uploads")) return create_multipart(request);
  if (request.method == "POST" && multipart) return complete_multipart(request);
  if (multipart && request.method != "DELETE") return tl::unexpected(not_implemented("ListParts"));
  if (request.method == "GET" || request.method == "HEAD") return get_object(request);
  if (request.method == "DELETE") {
    if (multipart) {
      const std::string id = request.value("uploadId");
      if (auto there = multipart_.check(id, request.bucket, request.key); !there) return tl::unexpected(there.error());
      multipart_.remove(id);
    } else if (auto removed = objects_.remove(request.bucket, request.key); !removed) {
      return tl::unexpected(to_s3_error(removed.error(), request.bucket));
    }
    return empty_response(204);
  }
  return tl::unexpected(not_implemented(request.method + " of an object"));
}

// ---- buckets

S3Result<http::Response> S3Api::list_buckets() {
  const auto buckets = objects_.buckets();
  if (!buckets) return tl::unexpected(to_s3_error(buckets.error(), ""));
  return xml_response(buckets_xml(*buckets));
}

S3Result<http::Response> S3Api::create_bucket(const S3Request& request) {
  const auto exists = objects_.bucket_exists(request.bucket);
  if (!exists) return tl::unexpected(to_s3_error(exists.error(), request.bucket));
  if (*exists) {
    return tl::unexpected(
        S3Error{409, "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it."});
  }
  if (auto made = objects_.create_bucket(request.bucket); !made)
    return tl::unexpected(to_s3_error(made.error(), request.bucket));
  auto response = empty_response(200);
  response.headers.add("Location", "/" + request.bucket);
  return response;
}

S3Result<http::Response> S3Api::list_objects(const S3Request& request) {
  if (request.asks("uploads")) return tl::unexpected(not_implemented("ListMultipartUploads"));
  auto listing = listing_of(request);
  if (!listing) return tl::unexpected(listing.error());
  if (auto filled = fill(*listing, objects_); !filled)
    return tl::unexpected(to_s3_error(filled.error(), request.bucket));
  return xml_response(listing_xml(*listing));
}

S3Result<http::Response> S3Api::delete_objects(const S3Request& request) {
  const auto list = parse_delete(request.body, kMaxDeletes);
  if (!list) return tl::unexpected(list.error());
  std::vector<std::string> deleted;
  std::vector<DeleteFailure> failures;
  for (const auto& key : list->keys) {
    const auto removed = objects_.remove(request.bucket, key);
    if (!removed) {
      failures.push_back({key, to_s3_error(removed.error(), request.bucket)});
    } else if (!list->quiet) {
      deleted.push_back(key);
    }
  }
  return xml_response(deleted_xml(deleted, failures));
}

// ---- objects being written

S3Result<http::Response> S3Api::put_object(const S3Request& request, Upload& upload) {
  const auto stored =
      objects_.put_file(request.bucket, request.key, upload.fd(), upload.size(), [](std::string_view) {});
  if (!stored) return tl::unexpected(to_s3_error(stored.error(), request.bucket));
  const auto info = head(request.bucket, request.key);
  if (!info) return tl::unexpected(info.error());
  return with_etag(info->etag);
}

S3Result<http::Response> S3Api::copy_object(const S3Request& request) {
  std::string_view source = request.headers.get("x-amz-copy-source");
  source = source.substr(0, source.find('?'));
  auto from = url_decode(source, false);
  if (from && from->starts_with('/')) from->erase(0, 1);
  const auto slash = from ? from->find('/') : std::string::npos;
  if (slash == std::string::npos) return tl::unexpected(invalid_argument("x-amz-copy-source must be bucket/key."));
  const std::string bucket = from->substr(0, slash);
  const auto info = head(bucket, from->substr(slash + 1));
  if (!info) return tl::unexpected(info.error());
  if (bucket == request.bucket) {
    if (auto copied = objects_.copy(bucket, info->key, request.key); !copied)
      return tl::unexpected(to_s3_error(copied.error(), bucket));
  } else {
    const auto fd = downloads_.open(bucket, *info);
    if (!fd) return tl::unexpected(to_s3_error(fd.error(), bucket));
    const auto stored = objects_.put_file(request.bucket, request.key, fd->get(), info->size, [](std::string_view) {});
    if (!stored) return tl::unexpected(to_s3_error(stored.error(), request.bucket));
  }
  const auto made = head(request.bucket, request.key);
  if (!made) return tl::unexpected(made.error());
  return xml_response(copied_xml(*made));
}

S3Result<http::Response> S3Api::create_multipart(const S3Request& request) {
  const auto exists = objects_.bucket_exists(request.bucket);
  if (!exists) return tl::unexpected(to_s3_error(exists.error(), request.bucket));
  if (!*exists) return tl::unexpected(no_such_bucket());
  const std::string id = new_id_();
  if (auto made = multipart_.create(id, request.bucket, request.key); !made) return tl::unexpected(made.error());
  return xml_response(created_multipart_xml(request.bucket, request.key, id));
}

S3Result<http::Response> S3Api::upload_part(const S3Request& request, Upload& upload) {
  const std::string text = request.value("partNumber");
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > kMaxParts) {
    return tl::unexpected(
        invalid_argument(fmt::format("Part number must be an integer between 1 and {}, inclusive", kMaxParts)));
  }
  auto added = multipart_.add(request.value("uploadId"), request.bucket, request.key, number, upload);
  if (!added) return tl::unexpected(added.error());
  return with_etag(upload.md5());
}

S3Result<http::Response> S3Api::complete_multipart(const S3Request& request) {
  const auto parts = parse_parts(request.body, kMaxParts);
  if (!parts) return tl::unexpected(parts.error());
  const std::string id = request.value("uploadId");
  const auto whole = Upload::open(incoming_, {});
  if (!whole) return tl::unexpected(to_s3_error(whole.error(), ""));
  const auto size = multipart_.join(id, request.bucket, request.key, *parts, (*whole)->fd());
  if (!size) return tl::unexpected(size.error());
  const auto stored = objects_.put_file(request.bucket, request.key, (*whole)->fd(), *size, [](std::string_view) {});
  if (!stored) return tl::unexpected(to_s3_error(stored.error(), request.bucket));
  const auto info = head(request.bucket, request.key);
  if (!info) return tl::unexpected(info.error());
  multipart_.remove(id);
  return xml_response(completed_multipart_xml(request.bucket, request.key, info->etag));
}

// ---- objects being read

S3Result<http::Response> S3Api::get_object(const S3Request& request) {
  const auto info = head(request.bucket, request.key);
  if (!info) return tl::unexpected(info.error());
  const auto& headers = request.headers;
  if (const auto* wanted = headers.find("If-Match"); wanted && *wanted != "*" && *wanted != "\"" + info->etag + "\"") {
    return tl::unexpected(
        S3Error{412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"});
  }
  const auto range = range_of(headers.get("Range"), info->size);
  if (!range) return tl::unexpected(range.error());

  auto response = with_etag(info->etag);
  response.headers.add("Last-Modified", http_date(info->modified));
  response.headers.add("Accept-Ranges", "bytes");
  response.headers.add("Content-Type", "binary/octet-stream");
  if (range->partial) {
    response.status = 206;
    response.headers.add("Content-Range",
                         fmt::format("bytes {}-{}/{}", range->first, range->first + range->length - 1, info->size));
  }
  if (request.method == "HEAD") {
    response.headers.add("Content-Length", std::to_string(range->length));
    return response;
  }
  auto fd = range->partial ? downloads_.open_kept(request.bucket, *info) : downloads_.open(request.bucket, *info);
  if (!fd) return tl::unexpected(to_s3_error(fd.error(), request.bucket));
  response.file = http::FileBody{std::move(*fd), range->first, range->length};
  return response;
}

S3Result<ports::ObjectInfo> S3Api::head(const std::string& bucket, const std::string& key) {
  auto info = objects_.head(bucket, key);
  if (!info) return tl::unexpected(to_s3_error(info.error(), bucket));
  info->key = key;
  return std::move(*info);
}

S3Error S3Api::to_s3_error(const Error& error, const std::string& bucket) {
  switch (error.kind) {
    case Kind::not_found:
      if (!bucket.empty() && !objects_.bucket_exists(bucket).value_or(true)) return no_such_bucket();
      return {404, "NoSuchKey", "The specified key does not exist."};
    case Kind::invalid:
      return invalid_argument(error.message);
    case Kind::conflict:
      return {409, "OperationAborted", error.message};
    case Kind::try_again:
    case Kind::no_space:
      log_warn("an S3 request was put off: {}", error.message);
      return {503, "SlowDown", error.message};
    case Kind::permanent:
      break;
  }
  log_error("an S3 request failed: {}", error.message);
  return {500, "InternalError", "We encountered an internal error. Please try again."};
}

}  // namespace holdfast::api::s3
