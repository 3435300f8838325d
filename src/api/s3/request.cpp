#include "api/s3/request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "api/s3/xml.hpp"
#include "aws/canonical.hpp"
#include "base/is_in.hpp"
#include "base/utf8.hpp"

namespace holdfast::api::s3 {

namespace {

// What may be asked of a bucket or an object, beside the bytes: each has its own answer, or refusal, in S3Api.
constexpr std::string_view kKnownQuery[] = {
    "x-id", "versionId",
    // lists
    "list-type", "prefix", "delimiter", "continuation-token", "start-after", "max-keys", "marker", "fetch-owner",
    "encoding-type", "key-marker", "upload-id-marker", "version-id-marker", "max-uploads", "max-parts",
    "part-number-marker", "max-buckets", "bucket-region",
    // of objects, some of buckets too
    "acl", "attributes", "legal-hold", "partNumber", "retention", "tagging", "uploadId", "uploads"};

// Of an object they would be passed over, and the request mean another thing.
constexpr std::string_view kOfBuckets[] = {
    "accelerate",     "analytics",         "cors",     "delete",       "encryption",        "intelligent-tiering",
    "inventory",      "lifecycle",         "location", "logging",      "metrics",           "notification",
    "object-lock",    "ownershipControls", "policy",   "policyStatus", "publicAccessBlock", "replication",
    "requestPayment", "versioning",        "versions", "website"};

// Of a presigned URL; what else begins so there is a header that the URL carries.
constexpr std::string_view kSigning[] = {"AWSAccessKeyId",       "Signature",           "Expires",
                                         "x-amz-algorithm",      "x-amz-credential",    "x-amz-date",
                                         "x-amz-expires",        "x-amz-signature",     "x-amz-signedheaders",
                                         "x-amz-security-token", "x-amz-content-sha256"};

// SDKs make presigned URLs before there is a body, and some put the checksum of none into them: S3 does not go by it
// (github.com/aws/aws-sdk-js-v3/issues/4448). A header of the request itself counts.
bool is_early_checksum(std::string_view lower) {
  constexpr std::string_view kPrefix = "x-amz-checksum-";
  if (lower == "x-amz-sdk-checksum-algorithm") return true;
  if (!lower.starts_with(kPrefix)) return false;
  lower.remove_prefix(kPrefix.size());
  return lower != "mode" && lower != "algorithm" && lower != "type";
}

bool is_header_in_query(std::string_view name) {
  const auto lower = aws::lower_case(name);
  if (is_early_checksum(lower)) return false;
  // Version 2 of presigned URLs carries these two as well.
  if (lower == "content-type" || lower == "content-md5") return true;
  return lower.starts_with("x-amz-") && !is_in(kSigning, lower);
}

bool is_known_query(std::string_view name) {
  return aws::lower_case(name).starts_with("x-amz-") || is_header_in_query(name) || name.starts_with("response-") ||
         is_in(kSigning, name) || is_in(kKnownQuery, name) || is_in(kOfBuckets, name);
}

bool is_bucket_name(std::string_view name) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && word(name.front()) && word(name.back()) &&
         name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [&](char c) { return word(c) || c == '-' || c == '.'; });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

S3Result<std::map<std::string, std::string>> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto name = url_decode(pair.substr(0, equals), true);
    const auto value = url_decode(pair.substr(std::min(pair.size(), equals + 1)), true);
    if (!name || !value || !is_utf8(*value))
      return tl::unexpected(invalid_argument("The query is not percent-encoded UTF-8 as it must be."));
    if (!is_known_query(*name)) return tl::unexpected(not_implemented("?" + *name));
    query.insert_or_assign(*name, *value);
  }
  return query;
}

S3Result<void> check_address(const S3Request& request) {
  if (!request.bucket.empty() && !is_bucket_name(request.bucket))
    return tl::unexpected(S3Error{400, "InvalidBucketName", "The specified bucket is not valid."});
  if (request.key.size() > kMaxKeyBytes)
    return tl::unexpected(S3Error{400, "KeyTooLongError", "Your key is too long."});
  // Clients could not read the XML that names it, and a list goes on behind a folder at a byte that no key may hold.
  if (!is_utf8(request.key)) return tl::unexpected(S3Error{400, "InvalidURI", "Couldn't parse the specified URI."});
  if (request.key.find('\0') != std::string::npos)
    return tl::unexpected(invalid_argument("A key must not hold a NUL."));
  return {};
}

}  // namespace

S3Error not_implemented(std::string_view what) {
  return {501, "NotImplemented", fmt::format("{} is not implemented here.", what)};
}
S3Error invalid_argument(std::string message) { return {400, "InvalidArgument", std::move(message)}; }
S3Error invalid_request(std::string message) { return {400, "InvalidRequest", std::move(message)}; }
S3Error access_denied() { return {403, "AccessDenied", "Access Denied"}; }
S3Error precondition_failed() {
  return {412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"};
}
S3Error wrong_body_hash() {
  return {400, "XAmzContentSHA256Mismatch",
          "The provided 'x-amz-content-sha256' header does not match what was computed."};
}

S3Error no_such_bucket() { return {404, "NoSuchBucket", "The specified bucket does not exist"}; }

http::Response error_response(const http::RequestHead& head, const S3Error& error, const std::string& request_id) {
  http::Response response;
  response.status = error.status;
  if (head.method == "HEAD") return response;
  response.headers.add("Content-Type", "application/xml");
  response.body = error_xml(error, std::string(head.path()), request_id);
  return response;
}

std::string S3Request::value(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

bool is_header_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), fits);
}

bool is_header_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
}

S3Result<S3Request> parse(const http::RequestHead& head, std::string_view domain) {
  std::string_view path = head.path();
  if (!path.starts_with('/')) return tl::unexpected(invalid_argument("The path must begin with a slash."));
  path.remove_prefix(1);
  S3Request request;
  request.method = head.method;
  request.bucket = bucket_in_host(head, domain);
  request.bucket_in_host = !request.bucket.empty();
  if (!request.bucket_in_host) {
    const auto slash = std::min(path.find('/'), path.size());
    const auto bucket = url_decode(path.substr(0, slash), false);
    if (!bucket) return tl::unexpected(invalid_argument("The path is not percent-encoded as it must be."));
    request.bucket = *bucket;
    path.remove_prefix(std::min(path.size(), slash + 1));
  }
  auto key = url_decode(path, false);
  if (!key) return tl::unexpected(invalid_argument("The path is not percent-encoded as it must be."));
  request.key = std::move(*key);
  if (auto fine = check_address(request); !fine) return tl::unexpected(fine.error());
  auto query = parse_query(head.query());
  if (!query) return tl::unexpected(query.error());
  request.query = std::move(*query);
  request.headers = head.headers;
  for (const auto& [name, value] : request.query) {
    if (!request.key.empty() && is_in(kOfBuckets, name))
      return tl::unexpected(not_implemented("?" + name + " of an object"));
    if (is_header_in_query(name) && !(is_header_name(name) && is_header_value(value)))
      return tl::unexpected(invalid_argument("The query holds a header that could be none."));
    if (is_header_in_query(name) && !request.headers.find(name)) request.headers.add(name, value);
  }
  if (const auto version = request.value("versionId"); !version.empty() && version != kOnlyVersion)
    return tl::unexpected(S3Error{404, "NoSuchVersion", "The specified version does not exist."});
  return request;
}

std::string bucket_in_host(const http::RequestHead& head, std::string_view domain) {
  const auto host = aws::lower_case(head.headers.get("Host"));
  auto name = std::string_view(host).substr(0, host.rfind(':'));
  if (domain.empty() || name.size() <= domain.size() + 1 || !name.ends_with(domain)) return "";
  name.remove_suffix(domain.size());
  return name.ends_with('.') ? std::string(name.substr(0, name.size() - 1)) : "";
}

std::string object_url(const S3Request& request, std::string_view key) {
  const auto host = valid_utf8(request.headers.get("Host"));
  std::string url = host.empty() ? "" : "http://" + host;
  if (!request.bucket_in_host || host.empty()) url += "/" + url_encode(request.bucket);
  return url + "/" + url_encode(key);
}

S3Result<CopySource> copy_source(const S3Request& request) {
  const auto source = request.headers.get("x-amz-copy-source");
  const auto query = source.find('?');
  if (query != std::string_view::npos && source.substr(query) != "?versionId=null")
    return tl::unexpected(S3Error{404, "NoSuchVersion", "The specified version does not exist."});
  auto from = url_decode(source.substr(0, query), false);
  if (from && from->starts_with('/')) from->erase(0, 1);
  const auto slash = from ? from->find('/') : std::string::npos;
  if (slash == std::string::npos) return tl::unexpected(invalid_argument("x-amz-copy-source must be bucket/key."));
  return CopySource{from->substr(0, slash), from->substr(slash + 1)};
}

bool is_upload(const S3Request& request) {
  if (request.method != "PUT" || request.key.empty() || request.headers.find("x-amz-copy-source")) return false;
  return !request.asks("acl") && !request.asks("tagging") && !request.asks("retention") && !request.asks("legal-hold");
}

S3Result<ByteRange> range_of(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const ByteRange whole{false, 0, size};
  if (!header.starts_with(kUnit)) return whole;
  header.remove_prefix(kUnit.size());
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return whole;
  const auto first = number_in(header.substr(0, dash));
  const auto last = number_in(header.substr(dash + 1));
  const tl::unexpected<S3Error> outside(S3Error{416, "InvalidRange", "The requested range is not satisfiable"});
  if (dash == 0) {
    if (!last) return whole;
    if (*last == 0 || size == 0) return outside;
    const std::uint64_t length = std::min(*last, size);
    return ByteRange{true, size - length, length};
  }
  if (!first || (!last && dash + 1 < header.size()) || (last && *last < *first)) return whole;
  if (*first >= size) return outside;
  const std::uint64_t end = last && *last < size ? *last + 1 : size;
  return ByteRange{true, *first, end - *first};
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

S3Result<std::size_t> number_of(const S3Request& request, const std::string& name, std::size_t otherwise) {
  if (!request.asks(name) || request.value(name).empty()) return otherwise;
  if (const auto number = number_in(request.value(name))) return *number;
  return tl::unexpected(invalid_argument(fmt::format("Provided {} not an integer or within integer range", name)));
}

std::optional<std::string> url_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const int high = text.size() - i > 2 ? hex_digit(text[i + 1]) : -1;
      const int low = text.size() - i > 2 ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

std::string url_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~' || c == '/';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace holdfast::api::s3
