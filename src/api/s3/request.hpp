// An S3 request taken apart: bucket, key, query and headers decoded and checked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/time.hpp"
#include "http/message.hpp"

namespace holdfast::api::s3 {

constexpr std::size_t kMaxKeyBytes = 1024;
// Nothing has versions here; where S3 speaks of one all the same, this is what it calls it.
constexpr std::string_view kOnlyVersion = "null";

struct S3Error {
  int status = 400;
  std::string code;
  std::string message;
};
template <class T>
using S3Result = tl::expected<T, S3Error>;

S3Error not_implemented(std::string_view what);
S3Error invalid_argument(std::string message);
S3Error invalid_request(std::string message);
S3Error wrong_body_hash();
S3Error no_such_bucket();
S3Error access_denied();
S3Error precondition_failed();
// XML, or nothing at all in answer to HEAD.
http::Response error_response(const http::RequestHead& head, const S3Error& error, const std::string& request_id);

struct S3Request {
  std::string method;
  std::string bucket;  // empty: the service itself
  std::string key;     // empty: the bucket itself; UTF-8 without a NUL
  std::map<std::string, std::string> query;
  http::Headers headers;  // those that a presigned URL has in its query included
  std::string_view body = {};
  std::string region = {};      // that it is signed for; empty: its signature names none
  bool bucket_in_host = false;  // and not in the path

  bool asks(const std::string& name) const { return query.contains(name); }
  std::string value(const std::string& name) const;
};
// The bucket is the first part of the path, or stands before `domain` in Host ("bucket.localhost:8740"). A query that
// asks for something that we do not know is refused, because without it the request would mean another thing:
// PUT /bucket/key?restore must not replace the object.
S3Result<S3Request> parse(const http::RequestHead& head, std::string_view domain);

// The bucket in "bucket.DOMAIN:port"; empty where Host is no such name.
std::string bucket_in_host(const http::RequestHead& head, std::string_view domain);

// Where the request found its bucket, the object is; a path alone where nobody said on which host. This service speaks
// no TLS: behind somebody who does it is still http.
std::string object_url(const S3Request& request, std::string_view key);

struct CopySource {
  std::string bucket;
  std::string key;
};
// Of x-amz-copy-source: "/bucket/key", percent-encoded. InvalidArgument: it is something else; NoSuchVersion: it asks
// for one.
S3Result<CopySource> copy_source(const S3Request& request);

// A body that goes into a file: an object or a part of one.
bool is_upload(const S3Request& request);

struct ByteRange {
  bool partial = false;  // the client asked for a part, and gets one
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};
// Of one range ("bytes=0-99", "bytes=100-", "bytes=-5"); anything else is not a range and means all of it.
// InvalidRange: none of it lies within `size`.
S3Result<ByteRange> range_of(std::string_view header, std::uint64_t size);

// As HTTP's grammar has them: what comes by another way than a header must not be more than one could.
bool is_header_name(std::string_view name);
bool is_header_value(std::string_view value);

// All of the text must be the number.
std::optional<std::uint64_t> number_in(std::string_view text);
// A query's number; `otherwise` where it is not given. InvalidArgument names it.
S3Result<std::size_t> number_of(const S3Request& request, const std::string& name, std::size_t otherwise);
std::optional<std::string> url_decode(std::string_view text, bool plus_is_space);
std::string url_encode(std::string_view text);

}  // namespace holdfast::api::s3
