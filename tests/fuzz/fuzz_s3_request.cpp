// An S3 request's line and headers: "METHOD target", then "Name: value" lines.
#include "api/operations/page_token.hpp"
#include "api/s3/attributes.hpp"
#include "api/s3/conditional_write.hpp"
#include "api/s3/conditions.hpp"
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
constexpr std::string_view kDomain = "localhost";

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
      s3::parse({request.method, "/" + request.bucket + "/" + s3::url_encode(request.key), {}, ""}, kDomain);
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

// What is kept with an object comes back as it was, and is never too much for the store.
void check_kept(const s3::S3Request& request, const http::RequestHead& head) {
  s3::is_upload(request);
  const auto conditions = s3::conditional(request);
  if (!conditions) check_error(head, conditions.error());
  if (const auto etag = s3::condition_of_removal(request); !etag) check_error(head, etag.error());
  const auto kept = s3::kept_of(request);
  if (!kept) return check_error(head, kept.error());
  const auto notes = s3::encode_notes(*kept);
  if (!notes) return check_error(head, notes.error());
  ENSURE(notes->size() <= ports::kMaxNotes, "{} bytes of notes", notes->size());
  const auto again = s3::decode_notes(*notes);
  ENSURE(again.size() == kept->size(), "{} headers of {}", again.size(), kept->size());
  ENSURE(std::equal(again.begin(), again.end(), kept->begin()), "other headers");
  const auto judged = s3::judge(request.headers, "", {"key", 1, "etag", from_ms(1'700'000'000'000), {}});
  if (!request.headers.find("If-Match") && !request.headers.find("If-Unmodified-Since"))
    ENSURE(judged != s3::Verdict::failed, "a condition failed that was not made");
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
  fuzz::check_range(head.headers.get("Range"));
  fuzz::check_token(std::string(head.headers.get("Token")));
  if (const auto expected = api::s3::expectation_of(head.headers, std::string(head.headers.get("Hash")), {}); !expected)
    fuzz::check_error(head, expected.error());
  const auto parsed = api::s3::parse(head, fuzz::kDomain);
  if (!parsed) return fuzz::check_error(head, parsed.error()), 0;
  fuzz::check_parsed(*parsed);
  fuzz::check_kept(*parsed, head);
  fuzz::check_listing(*parsed, head);
  return 0;
}
