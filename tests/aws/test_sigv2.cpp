// URLs that botocore's HmacV1QueryAuth made, one hour before they expire.
#include "aws/sigv2.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::aws;

namespace {

constexpr Instant kMade = from_ms(1795813000000);
constexpr const char* kWho = "AWSAccessKeyId=AKIDEXAMPLE&Expires=1795816600";

AuthResult<Identity> verify(const SignedRequest& request, Instant now = kMade) {
  Verifier verifier;
  return verifier.verify(request, now, [](std::string_view key) {
    return key == "AKIDEXAMPLE" ? std::optional<std::string>("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") : std::nullopt;
  });
}

SignedRequest url(const std::string& method, const std::string& path, const std::string& signature,
                  const std::string& more = "") {
  return {.method = method, .path = path, .query = std::string(kWho) + "&Signature=" + signature + more};
}

SignedRequest plain() { return url("GET", "/bucket/a%20b/%C3%BC%2B", "HpcWpie4L%2FDYciQi%2BQjCsHh3qiQ%3D"); }
SignedRequest put() {
  return url("PUT", "/bucket/k", "TzO5armGqRNOEWyhX6r%2FBzts%2Fj8%3D",
             "&content-type=text%2Fx&x-amz-meta-a=b&x-amz-acl=private");
}

void refused(const SignedRequest& request, AuthProblem problem, Instant now = kMade) {
  const auto identity = verify(request, now);
  REQUIRE_FALSE(identity);
  CHECK(identity.error().problem == problem);
}

}  // namespace

TEST_CASE("a URL that was presigned with version 2 opens its object until it expires") {
  const auto identity = verify(plain());
  REQUIRE(identity);
  CHECK(identity->scope.access_key == "AKIDEXAMPLE");
  CHECK(identity->scope.service == "s3");
  CHECK(identity->payload_hash == kUnsignedPayload);
  CHECK(verify(plain(), kMade + hours{1}));
  refused(plain(), AuthProblem::expired, kMade + hours{1} + seconds{1});
  auto other = plain();
  other.method = "PUT";
  refused(other, AuthProblem::wrong_signature);
  other = plain();
  other.path = "/bucket/other";
  refused(other, AuthProblem::wrong_signature);
  other = plain();
  other.query.replace(other.query.find("AKID"), 4, "AKIX");
  refused(other, AuthProblem::unknown_key);
}

TEST_CASE("version 2 signs parts of the query, and refuses what it does not sign") {
  const auto part =
      url("GET", "/bucket/k", "5NPiwWZmRBa%2BAve%2BP38H4kEe560%3D", "&response-content-type=y%2Fz&partNumber=2");
  CHECK(verify(part));
  auto changed = part;
  changed.query.replace(changed.query.find("y%2Fz"), 5, "z%2Fy");
  refused(changed, AuthProblem::wrong_signature);
  changed = part;
  changed.query += "&partNumber=3";
  refused(changed, AuthProblem::incomplete_query);
  changed = part;
  changed.query += "&attributes";
  refused(changed, AuthProblem::unsigned_headers);
  changed = part;
  changed.query += "&acl";
  refused(changed, AuthProblem::wrong_signature);
}

TEST_CASE("version 2 signs the headers that a URL carries, and those that come beside it") {
  CHECK(verify(put()));
  auto sent = put();
  sent.headers = {{"Content-Type", "text/x"}, {"X-Amz-Meta-A", "b"}};
  CHECK(verify(sent));
  sent.headers = {{"Content-Type", "text/html"}};
  refused(sent, AuthProblem::wrong_signature);
  sent.headers = {{"x-amz-meta-a", "c"}};
  refused(sent, AuthProblem::wrong_signature);
  sent.headers = {{"x-amz-tagging", "a=b"}};
  refused(sent, AuthProblem::wrong_signature);
  sent = put();
  sent.query += "&X-Amz-Acl=public-read";
  refused(sent, AuthProblem::incomplete_query);
  sent = put();
  sent.headers = {{"x-amz-content-sha256", std::string(kUnsignedChunksAndTrailer)}};
  refused(sent, AuthProblem::incomplete_query);
}

TEST_CASE("version 2 signs the bucket that the host names") {
  auto request = url("GET", "/k", "tM1C5VfH8m2FleMBjEaKU%2F1dDMc%3D");
  refused(request, AuthProblem::wrong_signature);
  request.bucket_in_host = "bucket";
  CHECK(verify(request));
}

TEST_CASE("a version 2 URL that lacks something says what") {
  auto request = plain();
  request.query = "AWSAccessKeyId=AKIDEXAMPLE&Signature=x";
  refused(request, AuthProblem::incomplete_query);
  request.query += "&Expires=soon";
  refused(request, AuthProblem::incomplete_query);
}
