// The documents that an S3 server, or a service that hands out credentials, may answer with.
#include "fuzz/input.hpp"
#include "objects/credential_services.hpp"
#include "objects/s3_address.hpp"
#include "objects/s3_answers.hpp"
#include "objects/s3_verdict.hpp"

namespace holdfast::fuzz {
namespace {

using namespace objects;

void check_listings(std::string_view xml) {
  if (const auto page = parse_listing(xml)) {
    for (const auto& object : page->objects) ENSURE(!object.key.empty(), "an object without a key");
    ENSURE(!page->truncated || !page->objects.empty(), "more, but not from where");
  }
  if (const auto page = parse_uploads(xml)) {
    for (const auto& upload : page->uploads) ENSURE(!upload.id.empty(), "an upload without an id");
    ENSURE(!page->truncated || !page->next_key.empty(), "more, but not from where");
  }
  static_cast<void>(parse_buckets(xml));
}

void check_results(std::string_view xml) {
  if (const auto id = parse_upload_id(xml)) ENSURE(!id->empty(), "an upload without an id");
  if (const auto etag = parse_etag(xml)) ENSURE(!etag->empty() && !is_refusal(xml), "a refusal with an ETag");
  if (parse_completion(xml)) ENSURE(!is_refusal(xml), "a refusal that is a completion");
}

void check_refusal(std::string_view xml) {
  const auto refusal = parse_refusal(xml);
  for (const int status : {200, 301, 400, 403, 404, 503}) {
    const http::Response answer{status, {}, {}, {}};
    const auto verdict = judge(answer, refusal);
    for (const char c : verdict.region)
      ENSURE((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-', "'{}' becomes a host", verdict.region);
    const auto text = describe(answer, refusal);
    ENSURE(text.size() < 2048 && text.find('\n') == std::string::npos, "no line for a log: {}", text);
  }
}

void check_credentials(std::string_view text) {
  for (const auto& found : {parse_credentials_json(text), parse_credentials_xml(text)}) {
    if (!found) continue;
    ENSURE(!found->keys.access_key.empty() && !found->keys.secret.empty(), "half a pair of keys");
    for (const auto* part : {&found->keys.access_key, &found->keys.secret, &found->keys.session_token})
      ENSURE(part->find_first_of("\r\n") == std::string::npos, "a key of two lines");
  }
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast::fuzz;
  const auto text = Input(bytes, size).rest();
  check_listings(text);
  check_results(text);
  check_refusal(text);
  check_credentials(text);
  ENSURE(holdfast::objects::decode_uri(holdfast::objects::encode_uri(text, true)) == text, "another key");
  return 0;
}
