// Search, UpdateTrainingJob and DeleteTrainingJob over the wire, in one process.
#include "api/service_world.hpp"

using namespace holdfast;
using holdfast::testing::json;
using holdfast::testing::ServiceWorld;

namespace {

json found(ServiceWorld& world, json request) {
  request["Resource"] = "TrainingJob";
  return world.ok("SageMaker.Search", request);
}
std::string names(const json& answer) {
  std::string all;
  for (const auto& result : answer.at("Results"))
    all += result.at("TrainingJob").at("TrainingJobName").get<std::string>() + " ";
  return all;
}
json filter(const char* name, const char* op, const char* value) {
  return {{"SearchExpression", {{"Filters", {{{"Name", name}, {"Operator", op}, {"Value", value}}}}}}};
}

}  // namespace

TEST_CASE("jobs are found by what they are, shown as Describe shows them, with their tags") {
  ServiceWorld world;
  world.provider.slots = 0;
  for (const char* name : {"a", "b", "c"}) {
    world.clock.advance(seconds{10});
    json request = world.job_request(name);
    request["HyperParameters"] = {{"depth", std::to_string(9 + name[0] - 'a')}};  // 9, 10, 11
    request["ProfilerConfig"] = {{"S3OutputPath", "s3://bkt/p"}};
    world.ok("SageMaker.CreateTrainingJob", request);
  }
  world.clock.advance(seconds{10});
  world.ok("SageMaker.StopTrainingJob", {{"TrainingJobName", "b"}});
  CHECK(names(found(world, json::object())) == "b c a ");  // the last that changed comes first
  CHECK(names(found(world, {{"SortBy", "TrainingJobName"}, {"SortOrder", "Ascending"}})) == "a b c ");
  CHECK(names(found(world, {{"SortBy", "HyperParameters.depth"}})) == "c b a ");
  CHECK(names(found(world, filter("TrainingJobStatus", "Equals", "Stopped"))) == "b ");
  CHECK(names(found(world, filter("HyperParameters.depth", "LessThan", "11"))) == "b a ");
  CHECK(names(found(world, filter("CreationTime", "GreaterThan", "2023-11-14T22:13:35"))) == "b c ");
  CHECK(names(found(world, filter("Metrics.loss", "LessThan", "0.2"))) == "b ");
  // What lacks the property comes last, both ways.
  CHECK(names(found(world, {{"SortBy", "Metrics.loss"}, {"SortOrder", "Ascending"}})) == "b a c ");
  CHECK(names(found(world, {{"SortBy", "Metrics.loss"}})) == "b a c ");

  const json record = found(world, filter("TrainingJobName", "Equals", "b")).at("Results")[0].at("TrainingJob");
  CHECK(record.at("Tags") == json{{{"Key", "team"}, {"Value", "a"}}});
  json described = world.ok("SageMaker.DescribeTrainingJob", {{"TrainingJobName", "b"}});
  CHECK(described.at("ProfilingStatus") == "Disabled");
  for (const char* member : {"ProfilerConfig", "ProfilingStatus"}) {
    CHECK_FALSE(record.contains(member));
    described.erase(member);
  }
  described["Tags"] = record.at("Tags");
  CHECK(record == described);
}

TEST_CASE("Describe says each thing once") {
  ServiceWorld world;
  world.provider.slots = 0;
  json request = world.job_request("demo");
  request["ProfilerConfig"] = {{"S3OutputPath", "s3://bkt/p"}};
  request["Environment"] = {{"QUOTED", "\"}{\"\u00e4"}};
  world.ok("SageMaker.CreateTrainingJob", request);
  world.ok("SageMaker.StopTrainingJob", {{"TrainingJobName", "demo"}});
  const auto response = world.call("SageMaker.DescribeTrainingJob", {{"TrainingJobName", "demo"}});
  std::map<std::string, int> said;
  const json described = json::parse(response.body, [&](int depth, json::parse_event_t event, json& name) {
    if (depth == 1 && event == json::parse_event_t::key) ++said[name.get<std::string>()];
    return true;
  });
  for (const auto& [name, times] : said) CHECK_MESSAGE(times == 1, name);
  CHECK(described.at("TrainingJobStatus") == "Stopped");
  CHECK(described.at("FinalMetricDataList").size() == 1);
  CHECK(described.at("Environment") == request["Environment"]);
}

TEST_CASE("a search goes on where its page ended, and only for the same question") {
  ServiceWorld world;
  world.provider.slots = 0;
  for (int i = 0; i < 7; ++i) world.create(fmt::format("job-{}", i));  // all at the same time: the name decides
  json request = {{"MaxResults", 3}, {"SortBy", "CreationTime"}};
  std::string all;
  int pages = 0;
  for (;; ++pages) {
    const json answer = found(world, request);
    all += names(answer);
    if (!answer.contains("NextToken")) break;
    request["NextToken"] = answer.at("NextToken");
  }
  CHECK(all == "job-0 job-1 job-2 job-3 job-4 job-5 job-6 ");
  CHECK(pages == 2);
  request["SortBy"] = "TrainingJobName";
  request["Resource"] = "TrainingJob";
  CHECK(world.error("SageMaker.Search", request).find("NextToken") != std::string::npos);
}

TEST_CASE("a search that cannot be meant is refused") {
  ServiceWorld world;
  CHECK(world.error("SageMaker.Search", {{"Resource", "Endpoint"}}) ==
        "ValidationException: Resource Endpoint cannot be searched here. Use TrainingJob.");
  CHECK(world.error("SageMaker.Search", {{"Resource", "TrainingJob"}, {"SortBy", "ResourceConfig"}}).find("SortBy") !=
        std::string::npos);
  json request = filter("Nonsense", "Equals", "x");
  request["Resource"] = "TrainingJob";
  CHECK(world.error("SageMaker.Search", request).find("'Nonsense' is not a property") != std::string::npos);
  json deep = {{"Filters", {{{"Name", "TrainingJobName"}, {"Value", "x"}}}}};
  for (int i = 0; i < 13; ++i) deep = {{"SubExpressions", {deep}}};
  CHECK(world.ok("SageMaker.Search", {{"Resource", "TrainingJob"}, {"SearchExpression", deep}}).at("Results").empty());
  const json suggested = world.ok(
      "SageMaker.GetSearchSuggestions",
      {{"Resource", "TrainingJob"}, {"SuggestionQuery", {{"PropertyNameQuery", {{"PropertyNameHint", "Billable"}}}}}});
  CHECK(suggested.at("PropertyNameSuggestions") == json{{{"PropertyName", "BillableTimeInSeconds"}}});
}

TEST_CASE("a running job's profiling can be changed, and nothing else") {
  ServiceWorld world;
  world.provider.slots = 0;
  json request = world.job_request("demo");
  request["ProfilerConfig"] = {{"S3OutputPath", "s3://bkt/p"}, {"DisableProfiler", false}};
  world.ok("SageMaker.CreateTrainingJob", request);
  const auto update = [](json body) {
    body["TrainingJobName"] = "demo";
    return body;
  };
  const json rules = {{{"RuleConfigurationName", "r"}, {"RuleEvaluatorImage", "i"}}};
  const json answer =
      world.ok("SageMaker.UpdateTrainingJob",
               update({{"ProfilerConfig", {{"DisableProfiler", true}}}, {"ProfilerRuleConfigurations", rules}}));
  CHECK(answer.at("TrainingJobArn") == "arn:aws:sagemaker:us-east-1:123456789012:training-job/demo");
  const json described = world.ok("SageMaker.DescribeTrainingJob", {{"TrainingJobName", "demo"}});
  CHECK(described.at("ProfilerConfig") == json{{"S3OutputPath", "s3://bkt/p"}, {"DisableProfiler", true}});
  CHECK(described.at("ProfilerRuleConfigurations") == rules);
  CHECK(world.error("SageMaker.UpdateTrainingJob", update({{"ResourceConfig", {{"KeepAlivePeriodInSeconds", 0}}}}))
            .find("no warm pools") != std::string::npos);
  CHECK(world.error("SageMaker.UpdateTrainingJob", update({{"RemoteDebugConfig", {{"EnableRemoteDebug", true}}}}))
            .find("'remoteDebugConfig' is not supported") != std::string::npos);
  world.ok("SageMaker.StopTrainingJob", {{"TrainingJobName", "demo"}});
  CHECK(world.error("SageMaker.UpdateTrainingJob", update(json::object())) ==
        "ValidationException: The request was rejected because the training job is in status Stopped.");
  CHECK(world.error("SageMaker.UpdateTrainingJob", {{"TrainingJobName", "nobody"}}) ==
        "ValidationException: Requested resource not found.");
}

TEST_CASE("an image that is not there is refused when the job is created") {
  ServiceWorld world;
  auto request = world.job_request("imageless");
  for (const auto* image : {"/no/such/image", "/etc/passwd"}) {
    request["AlgorithmSpecification"]["TrainingImage"] = image;
    CHECK(world.error("SageMaker.CreateTrainingJob", request)
              .starts_with("ValidationException: The TrainingImage '" + std::string(image) +
                           "' is no directory on this"));
  }
  request["AlgorithmSpecification"]["TrainingImage"] = "/usr";
  world.ok("SageMaker.CreateTrainingJob", request);
}

TEST_CASE("an ended job is deleted with its logs, and its name is free") {
  ServiceWorld world;
  world.provider.slots = 0;
  world.create("demo");
  const json name = {{"TrainingJobName", "demo"}};
  CHECK(world.error("SageMaker.DeleteTrainingJob", name).starts_with("ResourceInUse: "));
  world.ok("SageMaker.StopTrainingJob", name);
  REQUIRE(world.telemetry.append(JobName{"demo"}, Fence{1}, 0, "demo/algo-1-1", {}, {{1, 1, "line"}}));
  const auto deleted = world.call("SageMaker.DeleteTrainingJob", name);
  CHECK(deleted.status == 200);
  CHECK(deleted.body.empty());
  CHECK(world.log_store->stream_names(std::string(ports::kTrainingLogGroup), "demo/")->empty());
  CHECK(world.error("SageMaker.DescribeTrainingJob", name) == "ValidationException: Requested resource not found.");
  CHECK(world.error("SageMaker.DeleteTrainingJob", name) == "ResourceNotFound: Requested resource not found.");
  world.create("demo");
  CHECK(world.ok("SageMaker.DescribeTrainingJob", name).at("TrainingJobStatus") == "InProgress");
}
