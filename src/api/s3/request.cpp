#include "api/s3/request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "api/s3/xml.hpp"
#include "base/utf8.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr std::array<std::string_view, 15> kKnownQuery = {
    "x-id",        "list-type",     "prefix", "delimiter", "continuation-token", "start-after", "max-keys", "marker",
    "fetch-owner", "encoding-type", "delete", "uploads",   "uploadId",           "partNumber",  "versionId"};

bool is_known_query(std::string_view name) {
  return name.starts_with("X-Amz-") || std::find(kKnownQuery.begin(), kKnownQuery.end(), name) != kKnownQuery.end();
}

bool is_bucket_name(std::string_view name) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && word(name.front()) && word(name.back()) &&
         name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [&](char c) { return word(c) || c == '-' || c == '.'; });
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
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

}  // namespace

S3Error not_implemented(std::string_view what) {
  return {501, "NotImplemented", fmt::format("{} is not implemented here.", what)};
}
S3Error invalid_argument(std::string message) { return {400, "InvalidArgument", std::move(message)}; }
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

S3Result<S3Request> parse(const http::Request& request) {
  std::string_view path = request.head.path();
  if (!path.starts_with('/')) return tl::unexpected(invalid_argument("The path must begin with a slash."));
  path.remove_prefix(1);
  const auto slash = std::min(path.find('/'), path.size());
  const auto bucket = url_decode(path.substr(0, slash), false);
  const auto key = url_decode(path.substr(std::min(path.size(), slash + 1)), false);
  if (!bucket || !key) return tl::unexpected(invalid_argument("The path is not percent-encoded as it must be."));
  if (!bucket->empty() && !is_bucket_name(*bucket))
    return tl::unexpected(S3Error{400, "InvalidBucketName", "The specified bucket is not valid."});
  if (key->size() > kMaxKeyBytes) return tl::unexpected(S3Error{400, "KeyTooLongError", "Your key is too long."});
  // Clients could not read the XML that names it, and a list goes on behind a folder at a byte that no key may hold.
  if (!is_utf8(*key)) return tl::unexpected(S3Error{400, "InvalidURI", "Couldn't parse the specified URI."});
  if (key->find('\0') != std::string::npos) return tl::unexpected(invalid_argument("A key must not hold a NUL."));
  auto query = parse_query(request.head.query());
  if (!query) return tl::unexpected(query.error());
  return S3Request{request.head.method, *bucket, *key, std::move(*query), request.head.headers, request.body};
}

bool is_upload(const http::RequestHead& head) {
  if (head.method != "PUT" || head.headers.find("x-amz-copy-source")) return false;
  const auto slash = head.path().find('/', 1);
  return slash != std::string_view::npos && slash + 1 < head.path().size();
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

std::string http_date(Instant at) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<seconds>(at - day)};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday{day}.c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

}  // namespace holdfast::api::s3
