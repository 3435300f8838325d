// Algorithms and tags over the wire, in one process.
#include "api/service_world.hpp"

using namespace holdfast;
using holdfast::testing::json;
using holdfast::testing::ServiceWorld;

namespace {

constexpr const char* kArn = "arn:aws:sagemaker:us-east-1:123456789012:algorithm/mine";
constexpr const char* kJobArn = "arn:aws:sagemaker:us-east-1:123456789012:training-job/demo";

json algorithm_request(const json& patch = json::object()) {
  json request = json::parse(R"json({
    "AlgorithmName": "mine", "AlgorithmDescription": "ours",
    "TrainingSpecification": {
      "TrainingImage": "local:host", "SupportedTrainingInstanceTypes": ["ml.m5.large"],
      "TrainingChannels": [{"Name": "train", "SupportedContentTypes": [], "SupportedInputModes": ["File"]}]},
    "Tags": [{"Key": "team", "Value": "a"}]})json");
  request.merge_patch(patch);
  return request;
}

std::string refused(ServiceWorld& world, const json& patch) {
  return world.error("SageMaker.CreateAlgorithm", algorithm_request({{"TrainingSpecification", patch}}));
}

}  // namespace

TEST_CASE("an algorithm is created, described by name and by ARN, listed, used and deleted") {
  ServiceWorld world;
  CHECK(world.ok("SageMaker.CreateAlgorithm", algorithm_request()) == json{{"AlgorithmArn", kArn}});
  CHECK(world.error("SageMaker.CreateAlgorithm", algorithm_request()).find("exists already") != std::string::npos);
  for (const char* name : {"mine", kArn}) {
    const json described = world.ok("SageMaker.DescribeAlgorithm", {{"AlgorithmName", name}});
    CHECK(described.at("AlgorithmArn") == kArn);
    CHECK(described.at("AlgorithmStatus") == "Completed");
    CHECK(described.at("AlgorithmStatusDetails").is_object());
    CHECK(described.at("CreationTime") == 1'700'000'000.0);
    CHECK(described.at("TrainingSpecification") == algorithm_request().at("TrainingSpecification"));
    CHECK_FALSE(described.contains("Tags"));
  }
  const json listed = world.ok("SageMaker.ListAlgorithms", {{"NameContains", "in"}});
  REQUIRE(listed.at("AlgorithmSummaryList").size() == 1);
  CHECK(listed.at("AlgorithmSummaryList")[0].at("AlgorithmDescription") == "ours");

  json request = world.job_request("demo");
  request["AlgorithmSpecification"] = {
      {"AlgorithmName", kArn}, {"TrainingInputMode", "File"}, {"ContainerEntrypoint", {"python3"}}};
  CHECK(world.error("SageMaker.CreateTrainingJob", request).find("MaxWaitTimeInSeconds above 3600") !=
        std::string::npos);
  world.ok("SageMaker.AddTags",
           {{"ResourceArn", kArn}, {"Tags", {{{"Key", "holdfast:checkpoints"}, {"Value", "true"}}}}});
  world.ok("SageMaker.CreateTrainingJob", request);

  CHECK(world.call("SageMaker.DeleteAlgorithm", {{"AlgorithmName", "mine"}}).body.empty());
  const std::string missing = "ValidationException: Algorithm " + std::string(kArn) + " does not exist.";
  CHECK(world.error("SageMaker.DeleteAlgorithm", {{"AlgorithmName", "mine"}}) == missing);
  CHECK(world.error("SageMaker.DescribeAlgorithm", {{"AlgorithmName", "mine"}}) == missing);
  request["TrainingJobName"] = "demo-2";
  CHECK(world.error("SageMaker.CreateTrainingJob", request) == missing);
  // The job took with it what it needs.
  CHECK(world.ok("SageMaker.DescribeTrainingJob", {{"TrainingJobName", "demo"}}).at("TrainingJobStatus") ==
        "InProgress");
}

TEST_CASE("an ARN of another region or account is told apart from one that names nothing") {
  ServiceWorld world;
  const auto asked = [&](const char* arn) {
    return world.error("SageMaker.DescribeAlgorithm", {{"AlgorithmName", arn}});
  };
  CHECK(asked("arn:aws:sagemaker:us-west-2:123456789012:algorithm/mine") ==
        "ValidationException: ARN should be scoped to correct region: us-east-1");
  for (const char* arn : {"arn:aws:sagemaker:us-east-1:999999999999:algorithm/mine",
                          "arn:aws:sagemaker:us-east-1:123456789012:model/mine"})
    CHECK(asked(arn) == "ValidationException: Algorithm " + std::string(arn) + " does not exist.");
}

TEST_CASE("an algorithm that contradicts itself or cannot run is refused") {
  ServiceWorld world;
  const auto parameter = [&](const json& patch) {
    json one = {{"Name", "depth"}, {"Type", "Integer"}};
    one.merge_patch(patch);
    return refused(world, {{"SupportedHyperParameters", {one}}});
  };
  const auto bounds = [](const char* kind, const char* low, const char* high) {
    return json{{"Range", {{kind, {{"MinValue", low}, {"MaxValue", high}}}}}};
  };
  CHECK(refused(world, {{"TrainingImage", "registry/image:1"}}).find("cannot run here") != std::string::npos);
  CHECK(parameter(bounds("IntegerParameterRangeSpecification", "5", "1")).find("MinValue and MaxValue") !=
        std::string::npos);
  CHECK(parameter(bounds("IntegerParameterRangeSpecification", "a", "1")).find("must be integers") !=
        std::string::npos);
  CHECK(parameter(bounds("ContinuousParameterRangeSpecification", "0", "1")).find("IntegerParameterRange") !=
        std::string::npos);
  json with_default = bounds("IntegerParameterRangeSpecification", "1", "5");
  with_default["DefaultValue"] = "6";
  CHECK(parameter(with_default).find("DefaultValue '6' must be an integer from 1 to 5") != std::string::npos);
  json text = bounds("IntegerParameterRangeSpecification", "1", "5");
  text["Type"] = "FreeText";
  CHECK(parameter(text).find("has no Range") != std::string::npos);
  const json twice = {{"Name", "a"}, {"Type", "FreeText"}};
  CHECK(refused(world, {{"SupportedHyperParameters", {twice, twice}}}).find("given twice") != std::string::npos);
  CHECK(refused(world, {{"MetricDefinitions", {{{"Name", "a"}, {"Regex", "("}}}}}).find("cannot be used") !=
        std::string::npos);
  CHECK(refused(world, {{"SupportedTuningJobObjectiveMetrics", {{{"Type", "Minimize"}, {"MetricName", "a"}}}}})
            .find("none of the MetricDefinitions") != std::string::npos);
  CHECK(world.error("SageMaker.CreateAlgorithm", algorithm_request({{"CertifyForMarketplace", true}}))
            .find("no Marketplace") != std::string::npos);
  for (const auto& [key, value] :
       {std::pair{"holdfast:checkpoints", "maybe"}, {"holdfast:other", "x"}, {"aws:x", "y"}}) {
    const json tags = {{{"Key", key}, {"Value", value}}};
    CHECK(world.error("SageMaker.CreateAlgorithm", algorithm_request({{"Tags", tags}})).find(key) != std::string::npos);
  }
}

TEST_CASE("tags are added, replaced, listed and removed, on jobs and algorithms alike") {
  ServiceWorld world;
  world.create("demo");
  world.ok("SageMaker.CreateAlgorithm", algorithm_request());
  for (const char* arn : {kJobArn, kArn}) {
    const auto tags = [&] { return world.ok("SageMaker.ListTags", {{"ResourceArn", arn}}).at("Tags"); };
    CHECK(tags() == json{{{"Key", "team"}, {"Value", "a"}}});
    const json added = {{{"Key", "x"}, {"Value", ""}}, {{"Key", "team"}, {"Value", "b"}}};
    const json all = {{{"Key", "team"}, {"Value", "b"}}, {{"Key", "x"}, {"Value", ""}}};
    CHECK(world.ok("SageMaker.AddTags", {{"ResourceArn", arn}, {"Tags", added}}).at("Tags") == all);
    CHECK(tags() == all);
    world.ok("SageMaker.DeleteTags", {{"ResourceArn", arn}, {"TagKeys", {"team", "nobody"}}});
    CHECK(tags() == json{{{"Key", "x"}, {"Value", ""}}});
    json many = json::array();
    for (int i = 0; i < 50; ++i) many.push_back({{"Key", std::to_string(i)}, {"Value", ""}});
    CHECK(world.error("SageMaker.AddTags", {{"ResourceArn", arn}, {"Tags", many}}) ==
          "ValidationException: The resource would have 51 tags. It must have 50 at most.");
    CHECK(tags().size() == 1);
    CHECK(world.error("SageMaker.AddTags", {{"ResourceArn", arn}, {"Tags", {{{"Key", "aws:x"}, {"Value", ""}}}}})
              .find("reserved") != std::string::npos);
    CHECK(world.error("SageMaker.AddTags", {{"ResourceArn", arn}, {"Tags", {many[0], many[0]}}}).find("given twice") !=
          std::string::npos);
    CHECK(world.error("SageMaker.ListTags", {{"ResourceArn", arn}, {"NextToken", "x"}}).find("NextToken") !=
          std::string::npos);
  }
}

TEST_CASE("an instruction that came with a job cannot be changed, and what is not there has no tags") {
  ServiceWorld world;
  json request = world.job_request("demo");
  request["Tags"] = {{{"Key", "holdfast:working-directory"}, {"Value", "/srv"}}};
  world.ok("SageMaker.CreateTrainingJob", request);
  const json tag = {{"Key", "Holdfast:working-directory"}, {"Value", "/tmp"}};
  CHECK(world.error("SageMaker.AddTags", {{"ResourceArn", kJobArn}, {"Tags", {tag}}}).find("cannot be changed") !=
        std::string::npos);
  CHECK(world.error("SageMaker.DeleteTags", {{"ResourceArn", kJobArn}, {"TagKeys", {"holdfast:working-directory"}}})
            .find("cannot be changed") != std::string::npos);
  for (const char* operation : {"SageMaker.AddTags", "SageMaker.ListTags", "SageMaker.DeleteTags"}) {
    json body = {{"ResourceArn", "arn:aws:sagemaker:us-east-1:123456789012:training-job/nobody"}};
    if (std::string(operation) == "SageMaker.AddTags") body["Tags"] = json::array();
    if (std::string(operation) == "SageMaker.DeleteTags") body["TagKeys"] = {"x"};
    CHECK(world.error(operation, body) == "ValidationException: Requested resource not found.");
    body["ResourceArn"] = kArn;
    CHECK(world.error(operation, body) == "ValidationException: Algorithm " + std::string(kArn) + " does not exist.");
    body["ResourceArn"] = "arn:aws:sagemaker:us-east-1:123456789012:model/x";
    CHECK(world.error(operation, body).find("only those have tags here") != std::string::npos);
  }
}
