// An S3 request's line and headers: "METHOD target", then "Name: value" lines.
#include "api/operations/page_token.hpp"
#include "api/s3/listing.hpp"
#include "api/s3/request.hpp"
#include "api/s3/s3_api.hpp"
#include "api/s3/upload.hpp"
#include "base/utf8.hpp"
#include "fuzz/input.hpp"
#include "objects/key_path.hpp"

namespace holdfast::fuzz {
namespace {

using namespace api;

constexpr std::size_t kMaxFields = 64;

http::Request request_from(Input input) {
  http::Request request;
  Input line = input;
  request.head.method = line.until(' ');
  request.head.target = line.line();
  input.line();
  while (!input.empty() && request.head.headers.size() < kMaxFields) {
    const auto field = input.line();
    const auto colon = std::min(field.find(':'), field.size());
    request.head.headers.add(std::string(field.substr(0, colon)),
                             std::string(field.substr(std::min(colon + 1, field.size()))));
  }
  return request;
}

void check_error(const http::RequestHead& head, const s3::S3Error& error) {
  ENSURE(error.status >= 400 && !error.code.empty(), "status {}", error.status);
  const auto response = s3::error_response(head, error, "id");
  ENSURE(response.body.empty() == (head.method == "HEAD"), "a body in answer to HEAD, or none");
}

void check_parsed(const s3::S3Request& request) {
  ENSURE(request.key.size() <= s3::kMaxKeyBytes && request.key.find('\0') == std::string::npos, "a key that is none");
  ENSURE(is_utf8(request.key), "a key that is no text");
  for (const auto& [name, value] : request.query) ENSURE(is_utf8(value), "{} is no text", name);
  if (!request.bucket.empty())
    ENSURE(objects::is_bucket_name(request.bucket), "'{}' is taken here and not by the store", request.bucket);
  if (!request.key.empty()) ENSURE(objects::file_of_key(request.key), "the store takes no such key");
  // Encoded, it is the same request again.
  ENSURE(s3::url_decode(s3::url_encode(request.key), false) == request.key, "a key that does not come back");
  const auto again =
      s3::parse(http::Request{{request.method, "/" + request.bucket + "/" + s3::url_encode(request.key), {}, ""}, ""});
  ENSURE(again, "{}", again.error().message);
  ENSURE(again->bucket == request.bucket && again->key == request.key, "another object");
}

void check_listing(const s3::S3Request& request, const http::RequestHead& head) {
  const auto listing = s3::listing_of(request);
  if (!listing) return check_error(head, listing.error());
  ENSURE(listing->max_keys <= s3::kMaxKeysPerPage, "a page of {}", listing->max_keys);
  ENSURE(listing->continuation.empty() || from_hex(listing->continuation), "a token that was not checked");
}

void check_range(std::string_view header) {
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{10}, ~std::uint64_t{0}}) {
    const auto range = s3::range_of(header, size);
    if (!range) continue;
    ENSURE(range->first <= size && range->length <= size - range->first, "{}+{} of {}", range->first, range->length,
           size);
    ENSURE(range->partial ? range->length > 0 : range->length == size, "a range of {} of {}", range->length, size);
  }
}

void check_token(const std::string& token) {
  if (const auto position = read_page_token(token, "question")) {
    ENSURE(read_page_token(make_page_token(*position, "question"), "question") == position, "another position");
    ENSURE(!read_page_token(token, "another"), "good for every question");
  }
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  const auto request = fuzz::request_from({bytes, size});
  const auto& head = request.head;
  api::s3::is_upload(head);
  fuzz::check_range(head.headers.get("Range"));
  fuzz::check_token(std::string(head.headers.get("Token")));
  if (const auto expected = api::s3::expectation_of(head.headers, std::string(head.headers.get("Hash"))); !expected)
    fuzz::check_error(head, expected.error());
  const auto parsed = api::s3::parse(request);
  if (!parsed) return fuzz::check_error(head, parsed.error()), 0;
  fuzz::check_parsed(*parsed);
  fuzz::check_listing(*parsed, head);
  return 0;
}
