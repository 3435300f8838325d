#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "aws/sigv4.hpp"
#include "base/file.hpp"

using namespace holdfast;
using namespace holdfast::aws;

namespace {

// 2015-08-30T12:36:00Z, AWS's published examples.
constexpr Instant kExampleTime = from_ms(1440938160000);
const Credentials kExample{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
// 2026-11-23T09:35:06Z, the time of the botocore vectors.
constexpr Instant kVectorTime = from_ms(1795426506000);
const Credentials kVector{"HFAKABCDEFGHIJKLMNOP", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};

// A verifier that knows one key.
struct KnowsOne {
  Verifier verifier;
  Credentials known;
  AuthResult<Identity> verify(const SignedRequest& request, Instant now) {
    return verifier.verify(request, now, [&](std::string_view key) {
      return key == known.access_key ? std::optional{known.secret} : std::nullopt;
    });
  }
};

std::string header(const std::vector<HeaderField>& headers, std::string_view name) {
  for (const auto& [field, value] : headers)
    if (field == name) return value;
  return {};
}

std::string signature_of(const SignedRequest& request) {
  const auto value = header(sign(request, kExample, "us-east-1", "service", kExampleTime), "Authorization");
  return value.substr(value.find("Signature=") + 10);
}

SignedRequest signed_by(const Credentials& credentials, SignedRequest request, std::string_view service, Instant now) {
  for (auto& field : sign(request, credentials, "us-east-1", service, now)) request.headers.push_back(field);
  return request;
}

SignedRequest json_request() {
  return {.method = "POST",
          .path = "/",
          .headers = {{"Host", "localhost:8080"},
                      {"Content-Type", "application/x-amz-json-1.1"},
                      {"X-Amz-Target", "SageMaker.ListTrainingJobs"}},
          .payload_hash = sha256_hex("{}")};
}

SignedRequest s3_request() {
  return {.method = "PUT",
          .path = "/bucket/a%20b",
          .query = "partNumber=1&uploadId=x",
          .headers = {{"Host", "localhost:8080"}},
          .payload_hash = sha256_hex("body")};
}

std::string& value_of(SignedRequest& request, std::string_view name) {
  for (auto& [field, value] : request.headers)
    if (field == name) return value;
  FAIL("no header " << name);
  return request.path;
}

WireError refused(const AuthResult<Identity>& result, AuthProblem problem, Dialect dialect = Dialect::json) {
  REQUIRE_FALSE(result);
  CHECK(result.error().problem == problem);
  return describe(result.error(), dialect);
}

struct Vector {
  std::string name;
  SignedRequest request;
};

std::vector<Vector> botocore_vectors() {
  const auto text = read_file(HOLDFAST_SOURCE_DIR "/tests/aws/data/botocore_vectors.txt", 1 << 20);
  REQUIRE(text);
  std::vector<Vector> vectors;
  std::istringstream lines{*text};
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto key = line.substr(0, equals);
    const auto value = line.substr(equals + 1);
    if (key == "case") vectors.push_back({value, {}});
    auto& request = vectors.back().request;
    if (key == "method") request.method = value;
    if (key == "path") request.path = value;
    if (key == "query") request.query = value;
    if (key == "body_sha256") request.payload_hash = value;
    if (key == "header")
      request.headers.emplace_back(value.substr(0, value.find(':')), value.substr(value.find(':') + 2));
  }
  return vectors;
}

}  // namespace

TEST_CASE("signatures equal AWS's published ones") {
  SignedRequest request{.method = "GET", .path = "/", .headers = {{"Host", "example.amazonaws.com"}}};
  CHECK(signature_of(request) == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  SUBCASE("query members are sorted by name, then value") {
    request.query = "Param2=value2&Param1=value1";
    CHECK(signature_of(request) == "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  }
  SUBCASE("a path beyond ASCII") {
    request.path = "/\u1234";
    CHECK(signature_of(request) == "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
  }
  SUBCASE("POST") {
    request.method = "POST";
    CHECK(signature_of(request) == "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  }
}

TEST_CASE("what botocore signs is accepted, and our own signature is the same as its") {
  KnowsOne verifier{{}, kVector};
  const auto vectors = botocore_vectors();
  REQUIRE(vectors.size() == 20);
  for (const auto& [name, request] : vectors) {
    CAPTURE(name);
    const auto identity = verifier.verify(request, kVectorTime);
    REQUIRE_MESSAGE(identity.has_value(), describe(identity ? AuthFailure{} : identity.error(), Dialect::json).message);
    CHECK(identity->scope.access_key == kVector.access_key);
    CHECK(identity->scope.region == "us-east-1");

    auto changed = request;
    changed.method = "OPTIONS";
    CHECK_FALSE(verifier.verify(changed, kVectorTime));
    changed = request;
    changed.path += "x";
    CHECK_FALSE(verifier.verify(changed, kVectorTime));
    changed = request;
    changed.query += "&delete";
    CHECK_FALSE(verifier.verify(changed, kVectorTime));

    const auto theirs = header(request.headers, "Authorization");
    if (theirs.empty()) continue;  // a presigned URL
    auto again = request;
    again.payload_hash = identity->payload_hash;
    std::erase_if(again.headers, [&](const HeaderField& field) {
      const bool only_carried = theirs.find(";content-length;") == std::string::npos && field.first == "Content-Length";
      return field.first == "Authorization" || field.first == "X-Amz-Date" || field.first == "X-Amz-Content-SHA256" ||
             only_carried;
    });
    CHECK(header(sign(again, kVector, "us-east-1", identity->scope.service, kVectorTime), "Authorization") == theirs);
  }
}

TEST_CASE("the scope says for which service a request was signed") {
  KnowsOne verifier{{}, kExample};
  for (const char* service : {"sagemaker", "logs", "monitoring"}) {
    const auto identity = verifier.verify(signed_by(kExample, json_request(), service, kExampleTime), kExampleTime);
    REQUIRE(identity);
    CHECK(identity->scope.service == service);
    CHECK(identity->scope.date == "20150830");
    CHECK(identity->payload_hash == sha256_hex("{}"));
  }
}

TEST_CASE("any change to a signed request is noticed") {
  KnowsOne verifier{{}, kExample};
  auto request = signed_by(kExample, json_request(), "sagemaker", kExampleTime);
  REQUIRE(verifier.verify(request, kExampleTime));
  SUBCASE("the method") { request.method = "PUT"; }
  SUBCASE("the path") { request.path = "/x"; }
  SUBCASE("the query") { request.query = "x"; }
  SUBCASE("a signed header") { value_of(request, "X-Amz-Target") = "SageMaker.StopTrainingJob"; }
  SUBCASE("a signed header that is doubled") {
    request.headers.emplace_back("x-amz-target", "SageMaker.StopTrainingJob");
  }
  SUBCASE("the host") { value_of(request, "Host") = "elsewhere"; }
  SUBCASE("the body") { request.payload_hash = sha256_hex("{ }"); }
  SUBCASE("the date, within what is allowed") { value_of(request, "X-Amz-Date") = "20150830T123601Z"; }
  SUBCASE("the signature") {
    auto& last = value_of(request, "Authorization").back();
    last = last == '0' ? '1' : '0';
  }
  SUBCASE("the signature's length") { value_of(request, "Authorization").pop_back(); }
  const auto error = refused(verifier.verify(request, kExampleTime), AuthProblem::wrong_signature);
  CHECK(error.code == "InvalidSignatureException");
  CHECK(error.status == 403);
  CHECK(
      error.message ==
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
      "and signing method. Consult the service documentation for details.");
}

TEST_CASE("the wrong secret is a wrong signature, and a secret may be changed") {
  KnowsOne verifier{{}, {"AK", "old", ""}};
  const auto with_old = signed_by({"AK", "old", ""}, json_request(), "sagemaker", kExampleTime);
  CHECK(verifier.verify(with_old, kExampleTime));
  verifier.known.secret = "new";
  refused(verifier.verify(with_old, kExampleTime), AuthProblem::wrong_signature);
  CHECK(verifier.verify(signed_by({"AK", "new", ""}, json_request(), "sagemaker", kExampleTime), kExampleTime));
}

TEST_CASE("more signing keys than are remembered still work") {
  KnowsOne verifier{{}, kExample};
  for (std::size_t day = 0; day < 2 * kMaxSigningKeys; ++day) {
    const auto now = kExampleTime + hours{24 * day};
    REQUIRE(verifier.verify(signed_by(kExample, json_request(), "sagemaker", now), now));
  }
}

TEST_CASE("who is missing, unknown or incomplete is told so in each service's words") {
  KnowsOne verifier{{}, kExample};
  const auto missing = verifier.verify(json_request(), kExampleTime);
  auto error = refused(missing, AuthProblem::missing_token);
  CHECK(error.code == "MissingAuthenticationTokenException");
  CHECK(error.message == "Missing Authentication Token");
  CHECK(describe(missing.error(), Dialect::query).code == "MissingAuthenticationToken");
  CHECK(describe(missing.error(), Dialect::s3).code == "AccessDenied");

  const auto stranger =
      verifier.verify(signed_by({"AKSTRANGER", "s", ""}, json_request(), "sagemaker", kExampleTime), kExampleTime);
  error = refused(stranger, AuthProblem::unknown_key);
  CHECK(error.code == "UnrecognizedClientException");
  CHECK(error.message == "The security token included in the request is invalid.");
  CHECK(describe(stranger.error(), Dialect::query).code == "InvalidClientTokenId");
  CHECK(describe(stranger.error(), Dialect::s3).code == "InvalidAccessKeyId");

  auto request = signed_by(kExample, json_request(), "sagemaker", kExampleTime);
  value_of(request, "Authorization") =
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sagemaker/aws4_request";
  error = refused(verifier.verify(request, kExampleTime), AuthProblem::incomplete);
  CHECK(error.status == 400);
  CHECK(error.code == "IncompleteSignatureException");
  CHECK(
      error.message ==
      "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.");
}

TEST_CASE("malformed authorizations are refused, whatever they hold") {
  KnowsOne verifier{{}, kExample};
  for (const char* value :
       {"Basic dXNlcjpwYXNz", "AWS AKIDEXAMPLE:sig", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 ,,,=,",
        "AWS4-HMAC-SHA256 Credential=, SignedHeaders=, Signature=",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sagemaker, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sagemaker/aws3, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE//us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"}) {
    CAPTURE(value);
    auto request = json_request();
    request.headers.emplace_back("X-Amz-Date", "20150830T123600Z");
    request.headers.emplace_back("Authorization", value);
    refused(verifier.verify(request, kExampleTime), AuthProblem::incomplete);
  }
  for (const char* date :
       {"", "yesterday", "20150830T123600", "2015-08-30T12:36Z", "20151330T123600Z", "20150830T996000Z"}) {
    CAPTURE(date);
    auto request = signed_by(kExample, json_request(), "sagemaker", kExampleTime);
    value_of(request, "X-Amz-Date") = date;
    refused(verifier.verify(request, kExampleTime), AuthProblem::incomplete);
  }
  auto many = signed_by(kExample, json_request(), "sagemaker", kExampleTime);
  auto& value = value_of(many, "Authorization");
  for (std::size_t i = 0; i <= kMaxSignedHeaders; ++i) value.insert(value.find("SignedHeaders=") + 14, "a;");
  refused(verifier.verify(many, kExampleTime), AuthProblem::incomplete);
}

TEST_CASE("commas in the authorization need no space behind them") {
  KnowsOne verifier{{}, kExample};
  auto request = signed_by(kExample, json_request(), "sagemaker", kExampleTime);
  auto& value = value_of(request, "Authorization");
  for (auto at = value.find(", "); at != std::string::npos; at = value.find(", ")) value.erase(at + 1, 1);
  CHECK(verifier.verify(request, kExampleTime));
}

TEST_CASE("a request is good for five minutes either way, to S3 for fifteen") {
  KnowsOne verifier{{}, kExample};
  const auto json = signed_by(kExample, json_request(), "sagemaker", kExampleTime);
  CHECK(verifier.verify(json, kExampleTime + minutes{5}));
  CHECK(verifier.verify(json, kExampleTime - minutes{5}));
  auto error = refused(verifier.verify(json, kExampleTime + minutes{5} + seconds{1}), AuthProblem::skewed);
  CHECK(error.code == "InvalidSignatureException");
  CHECK(error.message ==
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)");
  error = refused(verifier.verify(json, kExampleTime - minutes{5} - seconds{1}), AuthProblem::skewed);
  CHECK(error.message ==
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)");

  const auto s3 = signed_by(kExample, s3_request(), "s3", kExampleTime);
  CHECK(verifier.verify(s3, kExampleTime + minutes{15}));
  error = refused(verifier.verify(s3, kExampleTime + minutes{15} + seconds{1}), AuthProblem::skewed, Dialect::s3);
  CHECK(error.code == "RequestTimeTooSkewed");
  CHECK(error.message == "The difference between the request time and the current time is too large.");
}

TEST_CASE("a scope of another day than the request's is refused") {
  KnowsOne verifier{{}, kExample};
  auto request = signed_by(kExample, json_request(), "sagemaker", kExampleTime);
  auto& value = value_of(request, "Authorization");
  value.replace(value.find("/20150830/"), 10, "/20150831/");
  const auto error = refused(verifier.verify(request, kExampleTime), AuthProblem::wrong_signature);
  CHECK(error.message.starts_with("Date in Credential scope does not match"));
}

TEST_CASE("host and x-amz headers must be signed") {
  KnowsOne verifier{{}, kExample};
  auto request = signed_by(kExample, json_request(), "sagemaker", kExampleTime);
  request.headers.emplace_back("X-Amz-Copy-Source", "/other/secret");
  refused(verifier.verify(request, kExampleTime), AuthProblem::unsigned_headers);

  auto hostless = json_request();
  hostless.headers.erase(hostless.headers.begin());
  refused(verifier.verify(signed_by(kExample, hostless, "sagemaker", kExampleTime), kExampleTime),
          AuthProblem::unsigned_headers);

  request = signed_by(kExample, json_request(), "sagemaker", kExampleTime);
  request.headers.emplace_back("User-Agent", "added on the way");
  CHECK(verifier.verify(request, kExampleTime));
}

TEST_CASE("S3 bodies: the declared hash is told, compared when the body is known, and may be left out by name only") {
  KnowsOne verifier{{}, kExample};
  auto request = signed_by(kExample, s3_request(), "s3", kExampleTime);
  request.payload_hash = "";
  auto identity = verifier.verify(request, kExampleTime);
  REQUIRE(identity);
  CHECK(identity->payload_hash == sha256_hex("body"));

  request.payload_hash = sha256_hex("other");
  const auto error = refused(verifier.verify(request, kExampleTime), AuthProblem::wrong_body_hash, Dialect::s3);
  CHECK(error.status == 400);
  CHECK(error.code == "XAmzContentSHA256Mismatch");

  auto unsigned_body = s3_request();
  unsigned_body.payload_hash = kUnsignedPayload;
  unsigned_body = signed_by(kExample, unsigned_body, "s3", kExampleTime);
  unsigned_body.payload_hash = sha256_hex("anything");
  identity = verifier.verify(unsigned_body, kExampleTime);
  REQUIRE(identity);
  CHECK(identity->payload_hash == kUnsignedPayload);

  std::erase_if(request.headers, [](const HeaderField& field) { return field.first == "X-Amz-Content-SHA256"; });
  refused(verifier.verify(request, kExampleTime), AuthProblem::incomplete);
}

TEST_CASE("only S3 takes an unsigned body") {
  KnowsOne verifier{{}, kExample};
  auto request = json_request();
  request.headers.emplace_back("X-Amz-Content-SHA256", kUnsignedPayload);
  request.payload_hash = kUnsignedPayload;
  request = signed_by(kExample, request, "sagemaker", kExampleTime);
  request.payload_hash = sha256_hex("{}");
  refused(verifier.verify(request, kExampleTime), AuthProblem::wrong_body_hash);
}

TEST_CASE("a presigned URL holds for its time, and not beyond its limits") {
  KnowsOne verifier{{}, kVector};
  SignedRequest request;
  for (const auto& [name, candidate] : botocore_vectors())
    if (name == "presigned GET") request = candidate;
  REQUIRE(request.method == "GET");
  CHECK(verifier.verify(request, kVectorTime + seconds{600}));
  auto error = refused(verifier.verify(request, kVectorTime + seconds{601}), AuthProblem::expired, Dialect::s3);
  CHECK(error.code == "AccessDenied");
  CHECK(error.message == "Request has expired");
  error = refused(verifier.verify(request, kVectorTime - minutes{16}), AuthProblem::expired, Dialect::s3);
  CHECK(error.message == "Request is not yet valid");

  const auto edit = [&](std::string_view from, std::string_view to) {
    auto edited = request;
    REQUIRE(edited.query.find(from) != std::string::npos);
    edited.query.replace(edited.query.find(from), from.size(), to);
    return edited;
  };
  refused(verifier.verify(edit("Expires=600", "Expires=601"), kVectorTime), AuthProblem::wrong_signature);
  for (const char* expires : {"Expires=604801", "Expires=-1", "Expires=1x", "Expires=", "Expires=99999999999999999999"})
    refused(verifier.verify(edit("Expires=600", expires), kVectorTime), AuthProblem::incomplete_query);
  error = refused(verifier.verify(edit("&X-Amz-SignedHeaders=host", ""), kVectorTime), AuthProblem::incomplete_query,
                  Dialect::s3);
  CHECK(error.code == "AuthorizationQueryParametersError");
  refused(verifier.verify(edit("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), kVectorTime), AuthProblem::incomplete_query);
}

TEST_CASE("a session token is sent and signed") {
  KnowsOne verifier{{}, kExample};
  auto request = signed_by({kExample.access_key, kExample.secret, "token"}, json_request(), "sagemaker", kExampleTime);
  CHECK(value_of(request, "X-Amz-Security-Token") == "token");
  CHECK(verifier.verify(request, kExampleTime));
  value_of(request, "X-Amz-Security-Token") = "other";
  refused(verifier.verify(request, kExampleTime), AuthProblem::wrong_signature);
}
