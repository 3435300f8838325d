// An S3 request taken apart: bucket, key and query decoded and checked.
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

struct S3Error {
  int status = 400;
  std::string code;
  std::string message;
};
template <class T>
using S3Result = tl::expected<T, S3Error>;

S3Error not_implemented(std::string_view what);
S3Error invalid_argument(std::string message);
S3Error wrong_body_hash();
S3Error no_such_bucket();
// XML, or nothing at all in answer to HEAD.
http::Response error_response(const http::RequestHead& head, const S3Error& error, const std::string& request_id);

struct S3Request {
  std::string method;
  std::string bucket;  // empty: the service itself
  std::string key;     // empty: the bucket itself; UTF-8 without a NUL
  std::map<std::string, std::string> query;
  const http::Headers& headers;
  const std::string& body;

  bool asks(const std::string& name) const { return query.contains(name); }
  std::string value(const std::string& name) const;
};
// The result refers to `request`. A query that asks for something that we do not know is refused, because without it
// the request would mean another thing: PUT /bucket/key?tagging must not replace the object.
S3Result<S3Request> parse(const http::Request& request);

// A body that goes into a file: an object or a part of one.
bool is_upload(const http::RequestHead& head);

struct ByteRange {
  bool partial = false;  // the client asked for a part, and gets one
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};
// Of one range ("bytes=0-99", "bytes=100-", "bytes=-5"); anything else is not a range and means all of it.
// InvalidRange: none of it lies within `size`.
S3Result<ByteRange> range_of(std::string_view header, std::uint64_t size);

std::optional<std::string> url_decode(std::string_view text, bool plus_is_space);
std::string url_encode(std::string_view text);
// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(Instant at);

}  // namespace holdfast::api::s3
