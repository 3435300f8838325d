#include "api/service_world.hpp"
#include "support/gzipped.hpp"

using namespace holdfast;
using holdfast::testing::gzipped;
using holdfast::testing::json;
using holdfast::testing::ServiceWorld;

TEST_CASE("health needs no signature") {
  ServiceWorld world;
  const auto answer = world.send({{"GET", "/health", {}, "127.0.0.1:1"}, ""});
  CHECK(answer.status == 200);
  CHECK(answer.body == "ok\n");
}

TEST_CASE("who has not signed, or not this, is refused") {
  ServiceWorld world;
  http::Request plain{{"POST", "/", {{"X-Amz-Target", "SageMaker.ListTrainingJobs"}}, "127.0.0.1:1"}, "{}"};
  CHECK(world.error_of(world.send(std::move(plain))).starts_with("MissingAuthenticationTokenException"));

  auto other_body = world.json_request("SageMaker.ListTrainingJobs", json::object());
  other_body.body = R"({"MaxResults":1})";
  CHECK(world.error_of(world.send(std::move(other_body))).starts_with("InvalidSignatureException"));

  auto other_target = world.json_request("SageMaker.ListTrainingJobs", json::object());
  other_target.head.headers.set("X-Amz-Target", "SageMaker.StopTrainingJob");
  CHECK(world.error_of(world.send(std::move(other_target))).starts_with("InvalidSignatureException"));

  auto old = world.request("POST", "/", "{}", {{"X-Amz-Target", "SageMaker.ListTrainingJobs"}}, "sagemaker",
                           world.clock.now() - hours{1});
  CHECK(world.error_of(world.send(std::move(old))).starts_with("InvalidSignatureException"));
}

TEST_CASE("a signature for one service does not open another") {
  ServiceWorld world;
  auto for_s3 = world.request("POST", "/", "{}", {{"X-Amz-Target", "SageMaker.ListTrainingJobs"}}, "s3");
  CHECK(world.error_of(world.send(std::move(for_s3))) ==
        "InvalidSignatureException: Credential should be scoped to correct service: 'sagemaker'.");
  auto bare = world.request("POST", "/", "{}", {}, "s3");
  bare.head.headers.add("X-Amz-Target", "SageMaker.ListTrainingJobs");
  // The target was not signed at all.
  CHECK(world.error_of(world.send(std::move(bare))).find("not signed") != std::string::npos);
}

TEST_CASE("what is no JSON, or too much of it, is refused in JSON") {
  ServiceWorld world;
  auto broken = world.request("POST", "/", "{", {{"X-Amz-Target", "SageMaker.ListTrainingJobs"}}, "sagemaker");
  CHECK(world.error_of(world.send(std::move(broken))).starts_with("SerializationException"));
  auto large = world.request("POST", "/", std::string(9 * 1024 * 1024, ' '),
                             {{"X-Amz-Target", "SageMaker.ListTrainingJobs"}}, "sagemaker");
  CHECK(world.error_of(world.send(std::move(large))).starts_with("RequestEntityTooLargeException"));
}

TEST_CASE("a compressed body is read like any other, and bounded") {
  ServiceWorld world;
  const auto answer = [&](const std::string& body, const std::string& encoding) {
    return world.send(world.request("POST", "/", body,
                                    {{"X-Amz-Target", "SageMaker.ListTrainingJobs"}, {"Content-Encoding", encoding}},
                                    "sagemaker"));
  };
  const auto zipped = gzipped(R"({"MaxResults":1})");
  CHECK(answer(zipped, "gzip").status == 200);
  CHECK(answer(zipped, "GZIP").status == 200);
  CHECK(answer(R"({"MaxResults":1})", "identity").status == 200);
  CHECK(world.error_of(answer(gzipped(R"({"MaxResults":0})"), "gzip")).starts_with("ValidationException"));
  CHECK(world.error_of(answer(zipped, "br")) ==
        "SerializationException: The Content-Encoding 'br' is not known here: send gzip, or none.");
  CHECK(world.error_of(answer(zipped.substr(0, zipped.size() - 1), "gzip")) ==
        "SerializationException: The request body is no whole gzip file.");
  CHECK(world.error_of(answer("{}", "gzip")).starts_with("SerializationException"));
  CHECK(world.error_of(answer("", "gzip")).starts_with("SerializationException"));
  // Ten kilobytes that would be nine megabytes.
  CHECK(world.error_of(answer(gzipped(std::string(9 * 1024 * 1024, ' ')), "gzip"))
            .starts_with("RequestEntityTooLargeException"));
}

TEST_CASE("the signature is of the compressed body") {
  ServiceWorld world;
  auto request =
      world.request("POST", "/", gzipped("{}"),
                    {{"X-Amz-Target", "SageMaker.ListTrainingJobs"}, {"Content-Encoding", "gzip"}}, "sagemaker");
  request.body = gzipped(R"({"MaxResults":1})");
  CHECK(world.error_of(world.send(std::move(request))).starts_with("InvalidSignatureException"));
}
