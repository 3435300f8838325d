#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <thread>

#include "objects/credential_chain.hpp"
#include "objects/credential_process.hpp"
#include "objects/credential_services.hpp"
#include "s3_double.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::objects;
using namespace holdfast::testing;

namespace {

using Variables = std::map<std::string, std::string>;

// Without the instance's metadata, which would be looked for on the network.
Environment environment_of(Variables variables) {
  variables.try_emplace("AWS_EC2_METADATA_DISABLED", "true");
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional{found->second};
  };
}

Result<TimedCredentials> found_with(Variables variables, const S3CredentialOptions& options = {}) {
  return find_credentials(options, environment_of(std::move(variables)), "us-east-1");
}

void write(const std::filesystem::path& file, std::string_view text) { std::ofstream(file) << text; }

constexpr const char* kDocument =
    R"({"Code":"Success","AccessKeyId":"AK","SecretAccessKey":"SK","Token":"TK","Expiration":"2026-11-27T17:50:30Z"})";

}  // namespace

TEST_CASE("the environment comes first, and half of it is a mistake") {
  const auto keys =
      found_with({{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "S"}, {"AWS_SESSION_TOKEN", "T"}}).value();
  CHECK(keys.keys.access_key == "A");
  CHECK(keys.keys.secret == "S");
  CHECK(keys.keys.session_token == "T");
  CHECK_FALSE(keys.expires);
  CHECK(found_with({{"AWS_ACCESS_KEY_ID", "A"}}).error().kind == Kind::invalid);
}

TEST_CASE("profiles of both files are found") {
  const TempDir dir;
  std::filesystem::create_directory(dir / ".aws");
  write(dir / ".aws/credentials",
        "[default]\naws_access_key_id=D\naws_secret_access_key=S\n"
        "[other]\naws_access_key_id=O\naws_secret_access_key=S\n[no-keys]\nregion=x\n");
  write(dir / ".aws/config", "[default]\nregion=x\n[profile third]\naws_access_key_id=C\naws_secret_access_key=S\n");
  const std::string home = dir.path();
  CHECK(found_with({{"HOME", home}}).value().keys.access_key == "D");
  CHECK(found_with({{"HOME", home}, {"AWS_PROFILE", "other"}}).value().keys.access_key == "O");
  CHECK(found_with({{"HOME", home}, {"AWS_PROFILE", "third"}}).value().keys.access_key == "C");
  CHECK(found_with({{"HOME", home}, {"AWS_ACCESS_KEY_ID", "E"}, {"AWS_SECRET_ACCESS_KEY", "S"}}, {{}, "other"})
            .value()
            .keys.access_key == "O");
  // Who names a profile gets that one or none.
  CHECK(found_with({{"HOME", home}, {"AWS_PROFILE", "none"}}).error().kind == Kind::invalid);
  CHECK(found_with({{"HOME", home}, {"AWS_PROFILE", "no-keys"}}).error().kind == Kind::invalid);
  CHECK(found_with({{"AWS_SHARED_CREDENTIALS_FILE", dir / ".aws/credentials"}}).value().keys.access_key == "D");
  CHECK(found_with({}, {dir / ".aws/credentials", "other"}).value().keys.access_key == "O");
  CHECK(found_with({}, {dir / "missing", ""}).error().kind == Kind::not_found);
}

TEST_CASE("a profile's credential_process is run, without a shell, and its output is nobody's business") {
  const TempDir dir;
  write(dir / "an answer", R"({"Version":1,"AccessKeyId":"AK","SecretAccessKey":"SK","SessionToken":"TK",)"
                           R"("Expiration":"2026-11-27T17:50:30Z"})");
  const auto with = [&](const std::string& command) {
    write(dir / "config", "[profile p]\ncredential_process = " + command + "\n");
    return found_with({{"AWS_CONFIG_FILE", dir / "config"}, {"AWS_PROFILE", "p"}});
  };
  const auto found = with("/bin/cat '" + (dir / "an answer").string() + "'");
  REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
  CHECK(found->keys.access_key == "AK");
  CHECK(found->keys.session_token == "TK");
  CHECK(found->expires == from_ms(1795801830000));
  CHECK(found_with({}, {dir / "config", "profile p"}).value().keys.access_key == "AK");
  CHECK(with("/bin/cat /nowhere").error().kind == Kind::try_again);
  CHECK(with("/nowhere/tool hunter2").error().kind == Kind::permanent);
  CHECK(with("/nowhere/tool hunter2").error().message.find("hunter2") == std::string::npos);
  const auto other = with("/bin/echo { hunter2 }");
  CHECK(other.error().kind == Kind::permanent);
  CHECK(other.error().message.find("hunter2") == std::string::npos);
  // Keys that stand in the profile go before it.
  write(dir / "config", "[default]\ncredential_process = /bin/false\naws_access_key_id=D\naws_secret_access_key=S\n");
  CHECK(found_with({{"AWS_CONFIG_FILE", dir / "config"}}).value().keys.access_key == "D");
}

TEST_CASE("a credential_process that does not end, or prints without end, is ended") {
  const auto slow = process_credentials("/bin/sleep 1000", milliseconds{50});
  CHECK(slow.error().kind == Kind::try_again);
  // It closes what we read, and stays.
  CHECK(process_credentials("/bin/sh -c 'exec sleep 1000 >/dev/null'", milliseconds{50}).error().kind ==
        Kind::try_again);
  CHECK(process_credentials("/bin/cat /dev/zero").error().kind == Kind::try_again);
}

TEST_CASE("a command line is split as a shell would, and nothing else in it means anything") {
  const auto words = [](const char* line) { return split_words(line).value(); };
  using Words = std::vector<std::string>;
  CHECK(words("tool") == Words{"tool"});
  CHECK(words("  a  b\tc ") == Words{"a", "b", "c"});
  CHECK(words(R"("/opt/my tool" 'a "b"' c\ d "e\"f\\g\h" '')") ==
        Words{"/opt/my tool", "a \"b\"", "c d", "e\"f\\g\\h", ""});
  CHECK(words("a $HOME `x` | b; *") == Words{"a", "$HOME", "`x`", "|", "b;", "*"});
  for (const char* bad : {"", "  ", "'a", "\"a", "''"}) CHECK_FALSE(split_words(bad));
}

TEST_CASE("what a process may print") {
  CHECK(parse_process_credentials(R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"S"})"));
  for (const char* bad :
       {"", "[]", R"({"AccessKeyId":"A","SecretAccessKey":"S"})", R"({"Version":1,"AccessKeyId":"A"})",
        R"({"Version":2,"AccessKeyId":"A","SecretAccessKey":"S"})",
        R"({"Version":"1","AccessKeyId":"A","SecretAccessKey":"S"})"})
    CHECK_MESSAGE(parse_process_credentials(bad).error().kind == Kind::permanent, bad);
}

TEST_CASE("a profile that leads to keys in a way that is not followed says so by name") {
  const TempDir dir;
  for (const char* way : {"role_arn", "sso_session", "sso_start_url", "credential_source"}) {
    write(dir / "config", fmt::format("[profile p]\nregion=x\n{} = secret-words\n[default]\n{} = y\n", way, way));
    for (const char* profile : {"p", ""}) {
      const auto none = found_with({{"AWS_CONFIG_FILE", dir / "config"}, {"AWS_PROFILE", profile}});
      REQUIRE_FALSE(none);
      CHECK_MESSAGE(none.error().message.find(std::string("has ") + way) != std::string::npos, none.error().message);
      CHECK(none.error().message.find("secret-words") == std::string::npos);
    }
  }
}

TEST_CASE("where there are none, it says where they were looked for") {
  const auto none = found_with({});
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == Kind::not_found);
  for (const auto* place : {"AWS_ACCESS_KEY_ID", "web identity", ".aws", "container", "metadata"})
    CHECK_MESSAGE(none.error().message.find(place) != std::string::npos, none.error().message);
}

TEST_CASE("a container's service is asked, with its token") {
  S3Double server([](const http::Request& request) {
    return request.head.target == "/v2/role?x" && request.head.headers.get("Authorization") == "Bearer t"
               ? answer(200, kDocument)
               : answer(403);
  });
  const TempDir dir;
  write(dir / "token", "Bearer t\n");
  const auto url = server.endpoint() + "/v2/role?x";
  const auto keys = found_with({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url},
                                {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", dir / "token"}})
                        .value();
  CHECK(keys.keys.access_key == "AK");
  CHECK(keys.keys.session_token == "TK");
  CHECK(keys.expires == from_ms(1795801830000));
  const auto refused =
      found_with({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret-token"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::permanent);
  CHECK(refused.error().message.find("secret-token") == std::string::npos);
}

TEST_CASE("credentials are not taken from, nor a token sent to, any host that a variable names") {
  CHECK(may_hand_out_credentials("https://example.org/x"));
  CHECK(may_hand_out_credentials("http://127.0.0.1:80/x"));
  CHECK(may_hand_out_credentials("http://localhost/x"));
  CHECK(may_hand_out_credentials("http://169.254.170.23/v1/credentials"));
  CHECK(may_hand_out_credentials("http://[fd00:ec2::23]/v1/credentials"));
  for (const auto* url : {"http://example.org/x", "http://10.0.0.1/", "http://169.254.169.254/", "", "ftp://127.0.0.1/",
                          "http://127.0.0.1@example.org/"})
    CHECK_FALSE_MESSAGE(may_hand_out_credentials(url), url);
  CHECK(found_with({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.org/"}}).error().kind == Kind::invalid);
}

TEST_CASE("an instance's role is found by way of a token") {
  S3Double server([](const http::Request& request) {
    const auto& head = request.head;
    if (head.target == "/latest/api/token")
      return head.method == "PUT" && head.headers.find("X-aws-ec2-metadata-token-ttl-seconds") ? answer(200, "tok")
                                                                                               : answer(400);
    if (head.headers.get("X-aws-ec2-metadata-token") != "tok") return answer(401);
    if (head.target == "/latest/meta-data/iam/security-credentials/") return answer(200, "my-role");
    if (head.target == "/latest/meta-data/iam/security-credentials/my-role") return answer(200, kDocument);
    return answer(404);
  });
  const auto keys = instance_credentials(environment_of(
      {{"AWS_EC2_METADATA_DISABLED", "false"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT", server.endpoint() + "/"}}));
  REQUIRE(keys);
  CHECK(keys->keys.access_key == "AK");
}

TEST_CASE("an instance without a role, or no instance at all, has none") {
  S3Double server(
      [](const http::Request& request) { return request.head.method == "PUT" ? answer(200, "tok") : answer(404); });
  const Variables there = {{"AWS_EC2_METADATA_DISABLED", "false"},
                           {"AWS_EC2_METADATA_SERVICE_ENDPOINT", server.endpoint()}};
  CHECK(instance_credentials(environment_of(there)).error().kind == Kind::not_found);
  CHECK(instance_credentials(environment_of({})).error().kind == Kind::not_found);
}

TEST_CASE("an instance's service that is away is not taken for none") {
  int status = 503;
  S3Double server([&](const auto&) { return answer(status); });
  const auto with = [](const std::string& endpoint) {
    return instance_credentials(
        environment_of({{"AWS_EC2_METADATA_DISABLED", "false"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint}}));
  };
  CHECK(with(server.endpoint()).error().kind == Kind::try_again);
  status = 403;  // switched off for this instance
  CHECK(with(server.endpoint()).error().kind == Kind::not_found);
  CHECK(with("http://127.0.0.1:1").error().kind == Kind::try_again);
  CHECK(is_ec2_vendor("Amazon EC2\n"));
  CHECK_FALSE(is_ec2_vendor(""));
  CHECK_FALSE(is_ec2_vendor("QEMU\n"));
}

TEST_CASE("a token's file that is named and not there is a mistake, not a place without credentials") {
  CHECK(found_with({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token"}, {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"}})
            .error()
            .kind == Kind::permanent);
  CHECK(found_with({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/x"},
                    {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nowhere/token"}})
            .error()
            .kind == Kind::permanent);
}

TEST_CASE("credentials that were there before, and are gone, may come back") {
  ManualClock clock;
  bool there = false;
  CredentialCache cache(
      [&]() -> Result<TimedCredentials> {
        if (!there) return fail(Kind::not_found, "none");
        return TimedCredentials{{"K", "S", ""}, clock.now() + hours{1}};
      },
      clock);
  CHECK(cache.current().error().kind == Kind::not_found);
  there = true;
  CHECK(cache.current());
  there = false;
  clock.advance(hours{2});
  CHECK(cache.current().error().kind == Kind::try_again);
}

TEST_CASE("a web identity is exchanged for credentials") {
  S3Double server([](const http::Request& request) {
    CHECK(request.body.find("WebIdentityToken=to%2Fken&") == std::string::npos);
    return request.body.ends_with(
               "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=holdfast&WebIdentityToken=to%2Fken")
               ? answer(200,
                        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
                        "<AccessKeyId>AK</AccessKeyId><SecretAccessKey>SK</SecretAccessKey><SessionToken>TK"
                        "</SessionToken><Expiration>2026-11-27T17:50:30Z</Expiration></Credentials>"
                        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")
               : answer(403, "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>");
  });
  const TempDir dir;
  write(dir / "token", "to/ken\n");
  Variables variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", dir / "token"},
                         {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"},
                         {"AWS_ENDPOINT_URL_STS", server.endpoint()}};
  CHECK(found_with(variables).value().keys.access_key == "AK");
  write(dir / "token", "another");
  const auto refused = found_with(variables);
  CHECK(refused.error().kind == Kind::permanent);
  CHECK(refused.error().message.find("InvalidIdentityToken") != std::string::npos);
}

TEST_CASE("credentials that are not whole are refused") {
  for (const auto* bad : {"", "[]", "{}", R"({"AccessKeyId":"A"})", R"({"AccessKeyId":1,"SecretAccessKey":"S"})",
                          R"({"AccessKeyId":"A","SecretAccessKey":"S","Expiration":"soon"})",
                          R"({"AccessKeyId":"A\r\nX: y","SecretAccessKey":"S"})"})
    CHECK_FALSE_MESSAGE(parse_credentials_json(bad), bad);
  CHECK_FALSE(parse_credentials_xml("<AssumeRoleWithWebIdentityResponse/>"));
  CHECK_FALSE(parse_credentials_xml("no"));
}

TEST_CASE("credentials are fetched anew before they are over, and the old ones last if that fails") {
  ManualClock clock;
  int fetched = 0;
  bool away = false;
  CredentialCache cache(
      [&]() -> Result<TimedCredentials> {
        ++fetched;
        if (away) return fail(Kind::try_again, "away");
        return TimedCredentials{{fmt::format("K{}", fetched), "S", ""}, clock.now() + hours{1}};
      },
      clock);
  CHECK(cache.current().value().access_key == "K1");
  clock.advance(minutes{54});
  CHECK(cache.current().value().access_key == "K1");
  away = true;
  clock.advance(minutes{2});
  CHECK(cache.current().value().access_key == "K1");
  CHECK(fetched == 2);
  CHECK(cache.current().value().access_key == "K1");
  CHECK(fetched == 2);  // not for every request
  clock.advance(seconds{31});
  away = false;
  CHECK(cache.current().value().access_key == "K3");
  away = true;
  clock.advance(hours{2});
  CHECK(cache.current().error().kind == Kind::try_again);
}

TEST_CASE("what the server calls over is fetched anew, once for all who used it") {
  ManualClock clock;
  std::atomic<int> fetched = 0;
  CredentialCache cache(
      [&]() -> Result<TimedCredentials> {
        return TimedCredentials{{fmt::format("K{}", ++fetched), "S", ""}, std::nullopt};
      },
      clock);
  const auto first = cache.current().value();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        cache.refused(first);
        CHECK(cache.current().value().access_key == "K2");
      });
  }
  CHECK(fetched == 2);
}
