#include <doctest/doctest.h>

#include <map>

#include "cli/client.hpp"
#include "cli/temporary_folder.hpp"

using namespace holdfast;
using namespace holdfast::cli;

namespace {

Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

ConnectionOptions options_for(const test::TemporaryFolder& data, std::string endpoint = "") {
  return {std::move(endpoint), data.path().string(), "us-east-1"};
}

}  // namespace

TEST_CASE("refusals read as code and text, in both of AWS's forms") {
  CHECK(error_of_answer(400, R"({"__type":"com.amazon#ResourceInUse","message":"taken"})").message ==
        "ResourceInUse: taken");
  CHECK(error_of_answer(400, R"({"__type":"X","Message":"upper"})").message == "X: upper");
  const auto s3 = error_of_answer(404, "<Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>");
  CHECK(s3.message == "NoSuchBucket: gone");
  CHECK(s3.kind == Kind::not_found);
  CHECK(error_of_answer(502, "<html>").message == "HTTP 502: <html>");
  CHECK(error_of_answer(400, R"({"__type":5})").message == "HTTP 400: no message");
}

TEST_CASE("the kind of a refusal says whether trying again can help") {
  CHECK(error_of_answer(503, "").kind == Kind::try_again);
  CHECK(error_of_answer(400, R"({"__type":"ThrottlingException"})").kind == Kind::try_again);
  CHECK(error_of_answer(400, R"({"__type":"ValidationException","message":"Requested resource not found."})").kind ==
        Kind::not_found);
  CHECK(error_of_answer(400, R"({"__type":"ValidationException","message":"no"})").kind == Kind::invalid);
}

TEST_CASE("keys are encoded for a path, slashes kept") {
  CHECK(encode_path("/b/a b+\xC3\xA4.x~") == "/b/a%20b%2B%C3%A4.x~");
}

TEST_CASE("a service is found by what serve left in its data folder") {
  test::TemporaryFolder data;
  data.write("endpoint", "http://127.0.0.1:4711\n");
  REQUIRE(aws::write_credentials(data.path() / "credentials", {"HFAK1", "secret", ""}).has_value());
  const auto found = find_service(options_for(data),
                                  environment({{"AWS_ACCESS_KEY_ID", "other"}, {"AWS_SECRET_ACCESS_KEY", "other"}}));
  REQUIRE(found.has_value());
  CHECK(found->endpoint == "http://127.0.0.1:4711");
  CHECK(found->credentials.access_key == "HFAK1");
}

TEST_CASE("an endpoint of one's own goes with the environment's credentials") {
  test::TemporaryFolder data;
  REQUIRE(aws::write_credentials(data.path() / "credentials", {"HFAK1", "secret", ""}).has_value());
  const auto keys = environment({{"AWS_ACCESS_KEY_ID", "mine"}, {"AWS_SECRET_ACCESS_KEY", "s"}});
  const auto found = find_service(options_for(data, "http://host:1/"), keys);
  REQUIRE(found.has_value());
  CHECK(found->endpoint == "http://host:1");
  CHECK(found->credentials.access_key == "mine");
  CHECK(find_service(options_for(data, "http://host:1"), environment({}))->credentials.access_key == "HFAK1");
  const auto file = environment({{"AWS_SHARED_CREDENTIALS_FILE", (data.path() / "credentials").string()}});
  test::TemporaryFolder elsewhere;
  CHECK(find_service(options_for(elsewhere, "http://host:1"), file)->credentials.access_key == "HFAK1");
}

TEST_CASE("what is missing is said with the way out") {
  test::TemporaryFolder data;
  const auto none = find_service(options_for(data), environment({}));
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().message.find("holdfast serve --data " + data.path().string()) != std::string::npos);
  const auto no_key = find_service(options_for(data, "http://host:1"), environment({}));
  REQUIRE_FALSE(no_key.has_value());
  CHECK(no_key.error().message.find("AWS_SHARED_CREDENTIALS_FILE") != std::string::npos);
  CHECK_FALSE(find_service(options_for(data, "host:1"), environment({})).has_value());
}

TEST_CASE("nobody at the endpoint: the error says how to start a service") {
  SystemClock clock;
  // Port 1 of the loopback: nobody listens there.
  Client client{{"http://127.0.0.1:1", "us-east-1", {"key", "secret", ""}}, clock};
  const auto made = client.create_bucket("b");
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().kind == Kind::try_again);
  CHECK(made.error().message.starts_with("no service answers at http://127.0.0.1:1: start one with `holdfast serve`"));
}
