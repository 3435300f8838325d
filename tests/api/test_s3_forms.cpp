// Uploads by browsers: the form as it comes, and the policy that it must keep.
#include "api/s3/form_data.hpp"
#include "api/s3/post_policy.hpp"
#include "api/s3_answers.hpp"
#include "api/service_world.hpp"
#include "aws/canonical.hpp"

using namespace holdfast;
using namespace holdfast::testing;
using namespace holdfast::api::s3;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string form_of(const Fields& fields, const std::string& file, const std::string& after = "") {
  std::string form;
  for (const auto& [name, value] : fields)
    form += fmt::format("--xYz\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", name, value);
  form += fmt::format(
      "--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"dir/f.txt\"\r\nContent-Type: "
      "text/plain\r\n\r\n{}\r\n",
      file);
  return form + after + "--xYz--\r\n";
}

// With the fields that a signature of version 4 needs.
Fields signed_fields(ServiceWorld& world, const json& conditions, Fields fields, seconds good_for = seconds{60}) {
  const auto now = world.clock.now();
  const auto date = aws::to_basic_time(now);
  const aws::Scope scope{kUser.access_key, date.substr(0, 8), "us-east-1", "s3"};
  const auto credential = kUser.access_key + "/" + aws::credential_scope(scope);
  json all = {{{"bucket", "bkt"}},
              {{"x-amz-algorithm", "AWS4-HMAC-SHA256"}},
              {{"x-amz-credential", credential}},
              {{"x-amz-date", date}}};
  for (const auto& condition : conditions) all.push_back(condition);
  const auto ends = std::chrono::duration<double>((now + good_for).time_since_epoch()).count();
  const json document = {{"expiration", fmt::format("{:.3f}", ends)}, {"conditions", all}};
  const auto policy = aws::to_base64(document.dump());
  const auto key = aws::derive_signing_key(scope, kUser.secret);
  fields.insert(fields.end(),
                {{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
                 {"X-Amz-Credential", credential},
                 {"X-Amz-Date", date},
                 {"Policy", policy},
                 {"X-Amz-Signature", aws::to_hex(aws::as_view(aws::hmac_sha256(aws::as_view(key), policy)))}});
  return fields;
}

http::Response post(ServiceWorld& world, const std::string& form, const std::string& path = "/bkt") {
  return world.send({{"POST", path, {{"Content-Type", "multipart/form-data; boundary=xYz"}}, "127.0.0.1:1"}, form});
}

PostPolicy policy_of(const json& document) {
  const auto policy = parse_post_policy(aws::to_base64(document.dump()));
  REQUIRE_MESSAGE(policy, policy.error().message);
  return *policy;
}

}  // namespace

TEST_CASE("a form is the same in pieces of any size") {
  const std::string form = form_of({{"key", "a"}, {"empty", ""}, {"odd", "\r\n-xYz\r\n--xY"}}, "\r\n--xY\r");
  for (std::size_t piece = 1; piece <= form.size(); ++piece) {
    CAPTURE(piece);
    FormDataParser parser("xYz");
    std::vector<std::string> parts;
    const FormDataParser::Take take{[&](const FormPart& part) -> Result<void> {
                                      parts.push_back(part.name + "=");
                                      return {};
                                    },
                                    [&](std::string_view bytes) -> Result<void> {
                                      parts.back() += bytes;
                                      return {};
                                    }};
    for (std::string_view rest = form; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
      REQUIRE(parser.feed(rest.substr(0, piece), take));
    CHECK(parser.complete());
    CHECK(parts == std::vector<std::string>{"key=a", "empty=", "odd=\r\n-xYz\r\n--xY", "file=\r\n--xY\r"});
  }
}

TEST_CASE("a policy holds by its conditions, and allows nothing else") {
  const auto policy = policy_of({{"expiration", "2026-11-23T12:00:00Z"},
                                 {"conditions",
                                  {{{"bucket", "b"}},
                                   {"eq", "$acl", "private"},
                                   {"starts-with", "$Key", "user/"},
                                   {"starts-with", "$Content-Type", "image/"},
                                   {"starts-with", "$x-amz-meta-a", ""},
                                   {"content-length-range", 2, 4}}}});
  const auto refusal = [&](FormFields changes) {
    FormFields fields{
        {"bucket", "b"}, {"acl", "private"}, {"key", "user/a"}, {"content-type", "image/png"}, {"x-amz-meta-a", ""}};
    for (auto& [name, value] : changes) fields.insert_or_assign(name, value);
    const auto checked = check_fields(policy, fields, policy.expiration - seconds{1});
    return checked ? "" : checked.error().message;
  };
  CHECK(refusal({}) == "");
  CHECK(refusal({{"policy", "x"}, {"x-amz-signature", "x"}, {"x-ignore-me", "x"}}) == "");
  CHECK(refusal({{"acl", "public-read"}}) ==
        R"(Invalid according to Policy: Policy Condition failed: ["eq","$acl","private"])");
  CHECK(refusal({{"key", "use"}}) ==
        R"(Invalid according to Policy: Policy Condition failed: ["starts-with","$key","user/"])");
  CHECK(refusal({{"content-type", "image/png, image/gif"}}) == "");
  CHECK(refusal({{"content-type", "image/png, text/html"}}).find("$content-type") != std::string::npos);
  CHECK(refusal({{"x-amz-meta-b", "1"}}) == "Invalid according to Policy: Extra input fields: x-amz-meta-b");
  CHECK(check_fields(policy, {}, policy.expiration).error().message == "Invalid according to Policy: Policy expired.");
  CHECK(check_length(policy, 1).error().code == "EntityTooSmall");
  CHECK(check_length(policy, 2));
  CHECK(check_length(policy, 4));
  CHECK(check_length(policy, 5).error().code == "EntityTooLarge");
}

TEST_CASE("what is no policy is refused with what is wrong") {
  const auto wrong = [](const json& document) {
    const auto policy = parse_post_policy(aws::to_base64(document.dump()));
    CHECK_FALSE(policy);
    return policy ? "" : policy.error().message;
  };
  const auto with = [&](const json& condition) {
    return wrong({{"expiration", "2026-11-23T12:00:00Z"}, {"conditions", json::array({condition})}});
  };
  CHECK(parse_post_policy("*").error().code == "InvalidPolicyDocument");
  CHECK(wrong({{"conditions", json::array()}}) == "Invalid Policy: it has no expiration.");
  CHECK(wrong({{"expiration", "soon"}, {"conditions", json::array()}}) == "Invalid Policy: its expiration is no time.");
  CHECK(wrong({{"expiration", "2026-11-23T12:00:00Z"}}) == "Invalid Policy: it has no conditions.");
  for (const json& condition : {json(7), json{{"a", 7}}, json{"eq", "$a"}, json{"eq", "a", "b"}, json{"in", "$a", "b"},
                                json{"content-length-range", 5, 4}, json{"content-length-range", -1, 4}})
    CHECK(with(condition).starts_with("Invalid Policy: "));
}

TEST_CASE("a form stores an object as a put does") {
  ServiceWorld world;
  const json any = {{"starts-with", "$key", ""},
                    {"starts-with", "$Content-Type", ""},
                    {"starts-with", "$x-amz-meta-a", ""},
                    {"starts-with", "$success_action_status", ""}};
  const Fields said{
      {"key", "up/${filename}"}, {"Content-Type", "text/x"}, {"x-amz-meta-a", "b"}, {"success_action_status", "201"}};
  const auto answer = post(world, form_of(signed_fields(world, any, said), "hello"));
  CHECK(answer.status == 201);
  CHECK(element(answer, "Key") == "up/f.txt");
  CHECK(world.objects.get_bytes("bkt", "up/f.txt", 100).value() == "hello");
  const auto head = world.s3("HEAD", "/bkt/up/f.txt");
  CHECK(head.headers.get("Content-Type") == "text/x");
  CHECK(head.headers.get("x-amz-meta-a") == "b");
  CHECK(head.headers.get("ETag") == "\"5d41402abc4b2a76b9719d911017c592\"");

  const auto code = [&](const json& conditions, const Fields& fields, const std::string& file = "x",
                        seconds good_for = seconds{60}) {
    const auto refused = post(world, form_of(signed_fields(world, conditions, fields, good_for), file));
    return refused.status < 300 ? std::string() : code_of(refused);
  };
  const json key = {{"starts-with", "$key", ""}};
  CHECK(code(key, {{"key", "plain"}}).empty());
  CHECK(code(key, {{"key", "k"}, {"acl", "private"}}) == "AccessDenied");  // that nobody signed
  CHECK(code(key, {{"key", "k"}}, "x", seconds{-1}) == "AccessDenied");
  CHECK(code(key, {}) == "InvalidArgument");
  CHECK(code(key, {{"key", ""}}) == "InvalidArgument");
  CHECK(code(key, {{"key", std::string(1025, 'k')}}) == "KeyTooLongError");
  CHECK(code(key, {{"key", "k"}, {"KEY", "l"}}) == "InvalidArgument");
  CHECK(code(key, {{"key", "k"}, {"x-ignore-this", std::string(21'000, 'x')}}) == "MaxPostPreDataLengthExceeded");
  const json acl = {{"starts-with", "$key", ""}, {"starts-with", "$acl", ""}};
  CHECK(code(acl, {{"key", "k"}, {"acl", "public-read"}}) == "AccessControlListNotSupported");
  const json meta = {{"starts-with", "$key", ""}, {"starts-with", "$x-amz-meta-a", ""}};
  CHECK(code(meta, {{"key", "k"}, {"x-amz-meta-a", "a\nx-amz-meta-b: c"}}) == "InvalidArgument");
  const std::string forged = "x-amz-meta-a: 1\nx-amz-checksum-sha256";
  CHECK(code({{"starts-with", "$key", ""}, {"starts-with", "$" + forged, ""}}, {{"key", "k"}, {forged, "b"}}) ==
        "InvalidArgument");
  CHECK(code({{"starts-with", "$key", ""}, {"starts-with", "$x-amz-meta-my file", ""}},
             {{"key", "k"}, {"x-amz-meta-my file", "b"}}) == "InvalidArgument");
  Fields empty{{"key", "k"}};
  for (int i = 0; i < 10; ++i) empty.emplace_back(std::string(3000, 'n') + std::to_string(i), "");
  CHECK(code(key, empty) == "MaxPostPreDataLengthExceeded");
  const json sum = {{"starts-with", "$key", ""}, {"starts-with", "$content-md5", ""}};
  CHECK(code(sum, {{"key", "k"}, {"Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="}}) == "BadDigest");
  const json length = {{"starts-with", "$key", ""}, {"content-length-range", 2, 3}};
  CHECK(code(length, {{"key", "k"}}, "x") == "EntityTooSmall");
  CHECK(code(length, {{"key", "k"}}, "long") == "EntityTooLarge");
  CHECK_FALSE(world.objects.head("bkt", "k"));
  CHECK(std::filesystem::is_empty(world.directory.path / "uploads/incoming"));
}

TEST_CASE("a form that nobody signed, or that is none, stores nothing") {
  ServiceWorld world;
  auto fields = signed_fields(world, {{"starts-with", "$key", ""}}, {{"key", "k"}});
  fields.back().second.back() = fields.back().second.back() == '0' ? '1' : '0';
  CHECK(code_of(post(world, form_of(fields, "x"))) == "SignatureDoesNotMatch");
  CHECK(code_of(post(world, form_of({{"key", "k"}}, "x"))) == "AccessDenied");
  CHECK(code_of(post(world, "no form")) == "MalformedPOSTRequest");
  const auto good = form_of(signed_fields(world, {{"starts-with", "$key", ""}}, {{"key", "k"}}), "x");
  CHECK(code_of(post(world, good.substr(0, good.size() - 6))) == "MalformedPOSTRequest");
  CHECK(code_of(post(world, std::string(20'000, 'x') + "\r\n" + good)) == "MalformedPOSTRequest");
  CHECK(code_of(post(world, good, "/none")) == "AccessDenied");  // another bucket than the policy's
  CHECK(code_of(world.s3("POST", "/bkt", "x")) == "PreconditionFailed");
  CHECK_FALSE(world.objects.head("bkt", "k"));
  // What follows the file is not looked at.
  const auto late = form_of(signed_fields(world, {{"starts-with", "$key", ""}}, {{"key", "k"}}), "x",
                            "--xYz\r\nContent-Disposition: form-data; name=\"acl\"\r\n\r\npublic-read\r\n");
  CHECK(post(world, late).status == 204);
}
