#include "api/service_world.hpp"

using namespace holdfast;
using holdfast::testing::json;
using holdfast::testing::ServiceWorld;

TEST_CASE("a job is created, described, listed and stopped") {
  ServiceWorld world;
  const json created = world.ok("SageMaker.CreateTrainingJob", world.job_request("demo"));
  CHECK(created == json{{"TrainingJobArn", "arn:aws:sagemaker:us-east-1:123456789012:training-job/demo"}});

  json described = world.ok("SageMaker.DescribeTrainingJob", {{"TrainingJobName", "demo"}});
  CHECK(described.at("TrainingJobStatus") == "InProgress");
  CHECK(described.at("SecondaryStatus") == "Starting");
  CHECK(described.at("CreationTime") == 1'700'000'000.0);
  CHECK(described.at("ModelArtifacts").at("S3ModelArtifacts") == "s3://bkt/out/demo/output/model.tar.gz");
  CHECK(described.at("OutputDataConfig").at("S3OutputPath") == "s3://bkt/out");
  CHECK(described.at("EnableManagedSpotTraining") == true);
  CHECK(described.at("SecondaryStatusTransitions").size() == 1);
  CHECK_FALSE(described.at("SecondaryStatusTransitions")[0].contains("EndTime"));
  CHECK_FALSE(described.contains("Tags"));
  CHECK_FALSE(described.contains("FinalMetricDataList"));
  CHECK_FALSE(described.contains("TrainingTimeInSeconds"));

  const json listed = world.ok("SageMaker.ListTrainingJobs", json::object());
  CHECK(listed.at("TrainingJobSummaries").size() == 1);
  CHECK(listed.at("TrainingJobSummaries")[0].at("TrainingJobName") == "demo");
  CHECK_FALSE(listed.contains("NextToken"));

  const auto stopped = world.call("SageMaker.StopTrainingJob", {{"TrainingJobName", "demo"}});
  CHECK(stopped.status == 200);
  CHECK(stopped.body.empty());
}

TEST_CASE("an ended job shows its metrics as 32-bit floats at whole seconds, and no NaN") {
  ServiceWorld world;
  world.provider.slots = 0;
  world.create("demo");
  world.clock.advance(milliseconds{1500});
  world.ok("SageMaker.StopTrainingJob", {{"TrainingJobName", "demo"}});
  const json described = world.ok("SageMaker.DescribeTrainingJob", {{"TrainingJobName", "demo"}});
  CHECK(described.at("TrainingJobStatus") == "Stopped");
  CHECK(described.at("LastModifiedTime") == 1'700'000'001.5);
  const json metrics = described.at("FinalMetricDataList");
  REQUIRE(metrics.size() == 1);
  CHECK(metrics[0].at("Value") == static_cast<double>(0.1F));
  CHECK(metrics[0].at("Timestamp") == 1'700'000'001);
  const json last = described.at("SecondaryStatusTransitions").back();
  CHECK(last.at("StartTime") == last.at("EndTime"));
}

TEST_CASE("refusals are worded as SageMaker words them") {
  ServiceWorld world;
  world.provider.slots = 0;
  world.create("demo");
  CHECK(world.error("SageMaker.CreateTrainingJob", world.job_request("demo")) ==
        "ResourceInUse: Training job names must be unique within an AWS account and region, and a training job with "
        "this name already exists (arn:aws:sagemaker:us-east-1:123456789012:training-job/demo)");
  for (const char* operation : {"DescribeTrainingJob", "StopTrainingJob"}) {
    CHECK(world.error(std::string("SageMaker.") + operation, {{"TrainingJobName", "nobody"}}) ==
          "ValidationException: Requested resource not found.");
  }
  world.ok("SageMaker.StopTrainingJob", {{"TrainingJobName", "demo"}});
  CHECK(world.error("SageMaker.StopTrainingJob", {{"TrainingJobName", "demo"}}) ==
        "ValidationException: The request was rejected because the training job is in status Stopped.");
  CHECK(world.error("SageMaker.NoSuchThing", json::object()).starts_with("UnknownOperationException: "));
  // Of whatever service it is.
  const auto query =
      world.send(world.request("POST", "/", "{}", {{"X-Amz-Target", "Logs_20140328.StartQuery"}}, "logs"));
  CHECK(json::parse(query.body).at("__type") == "UnknownOperationException");
}

TEST_CASE("a job whose places do not exist is refused before it is accepted") {
  ServiceWorld world;
  json request = world.job_request("demo");
  request["InputDataConfig"] = {
      {{"ChannelName", "train"},
       {"DataSource", {{"S3DataSource", {{"S3DataType", "S3Prefix"}, {"S3Uri", "s3://bkt/in"}}}}}}};
  CHECK(world.error("SageMaker.CreateTrainingJob", request) ==
        "ValidationException: No S3 objects found under S3 URL \"s3://bkt/in\" given in input data source. Please "
        "ensure that the bucket exists in the selected region (us-east-1), that objects exist under that S3 prefix, "
        "and that the role \"arn:aws:iam::123456789012:role/r\" has \"s3:ListBucket\" permissions on bucket \"bkt\".");
  REQUIRE(world.objects.put_bytes("bkt", "in/a", "1"));
  json elsewhere = request;
  elsewhere["OutputDataConfig"]["S3OutputPath"] = "s3://nowhere/out";
  CHECK(world.error("SageMaker.CreateTrainingJob", elsewhere).find("\"nowhere\"") != std::string::npos);
  elsewhere = request;
  elsewhere["CheckpointConfig"] = {{"S3Uri", "s3://nowhere/ck"}};
  CHECK(world.error("SageMaker.CreateTrainingJob", elsewhere).find("CheckpointConfig") != std::string::npos);
  world.ok("SageMaker.CreateTrainingJob", request);
}

TEST_CASE("a checkpoint place is one job's, and a ledger that nobody can have written is refused") {
  ServiceWorld world;
  json request = world.job_request("first");
  request["CheckpointConfig"] = {{"S3Uri", "s3://bkt/ck"}};
  world.ok("SageMaker.CreateTrainingJob", request);
  request["TrainingJobName"] = "second";
  CHECK(world.error("SageMaker.CreateTrainingJob", request) ==
        "ValidationException: The training job 'first', which is not over, keeps its checkpoints at s3://bkt/ck: two "
        "jobs would take that place from each other. Give this one an S3Uri of its own, or stop the other job first.");
  REQUIRE(world.objects.put_bytes("bkt", "odd/.holdfast/ledger/00ffffffffffffff-0000000000000001.json", "{}"));
  request["CheckpointConfig"] = {{"S3Uri", "s3://bkt/odd/"}};
  CHECK(world.error("SageMaker.CreateTrainingJob", request).find("which no service can have started") !=
        std::string::npos);
}

TEST_CASE("what a channel names is looked for in the way that it will be read") {
  ServiceWorld world;
  REQUIRE(world.objects.put_bytes("bkt", "data/train/a", "1"));
  const auto missing = [&](const char* mode, json source) {
    json request = world.job_request("demo");
    request["InputDataConfig"] = {
        {{"ChannelName", "train"}, {"InputMode", mode}, {"DataSource", {{"S3DataSource", std::move(source)}}}}};
    return world.error("SageMaker.CreateTrainingJob", request).find("No S3 objects found") != std::string::npos;
  };
  const auto prefix = [](const char* uri) { return json{{"S3DataType", "S3Prefix"}, {"S3Uri", uri}}; };
  const auto list = [](const char* uri) { return json{{"S3DataType", "ManifestFile"}, {"S3Uri", uri}}; };
  CHECK(missing("FastFile", prefix("s3://bkt/data/tra")));
  CHECK(missing("FastFile", prefix("s3://bkt/data/train/a")));
  CHECK(missing("Pipe", prefix("s3://bkt/data/x")));
  CHECK(missing("File", list("s3://bkt/data/train")));
  for (const auto& [mode, source] : {std::pair{"File", prefix("s3://bkt/data/tra")},
                                     {"FastFile", prefix("s3://bkt/data/train")},
                                     {"FastFile", prefix("s3://bkt")},
                                     {"Pipe", list("s3://bkt/data/train/a")}}) {
    json request = world.job_request(fmt::format("there-{}-{}", mode, source["S3Uri"].get<std::string>().size()));
    request["InputDataConfig"] = {
        {{"ChannelName", "train"}, {"InputMode", mode}, {"DataSource", {{"S3DataSource", source}}}}};
    world.ok("SageMaker.CreateTrainingJob", request);
  }
}

TEST_CASE("pages of a list neither repeat nor hide jobs while others are added") {
  ServiceWorld world;
  for (int i = 0; i < 5; ++i) {
    world.clock.advance(seconds{1});
    world.create(fmt::format("job-{}", i));
  }
  std::vector<std::string> names;
  json request = {{"MaxResults", 2}};
  for (int page = 0; page < 10; ++page) {
    const json answer = world.ok("SageMaker.ListTrainingJobs", request);
    for (const auto& job : answer.at("TrainingJobSummaries")) names.push_back(job.at("TrainingJobName"));
    if (!answer.contains("NextToken")) break;
    request["NextToken"] = answer.at("NextToken");
    world.clock.advance(seconds{1});
    world.create(fmt::format("later-{}", page));
  }
  CHECK(names == std::vector<std::string>{"job-4", "job-3", "job-2", "job-1", "job-0"});

  request["SortBy"] = "Name";
  CHECK(world.error("SageMaker.ListTrainingJobs", request).starts_with("ValidationException: "));
  CHECK(world.error("SageMaker.ListTrainingJobs", {{"NextToken", "zz"}}).starts_with("ValidationException: "));
}

TEST_CASE("a list is filtered by name, status and time, bounds left out") {
  ServiceWorld world;
  world.provider.slots = 0;
  world.create("apple");
  world.clock.advance(seconds{10});
  world.create("pear");
  world.ok("SageMaker.StopTrainingJob", {{"TrainingJobName", "pear"}});
  const auto names = [&](const json& request) {
    std::string all;
    const json list = world.ok("SageMaker.ListTrainingJobs", request);
    for (const auto& job : list.at("TrainingJobSummaries")) all += job.at("TrainingJobName").get<std::string>() + " ";
    return all;
  };
  CHECK(names({{"NameContains", "ppl"}}) == "apple ");
  CHECK(names({{"StatusEquals", "Stopped"}}) == "pear ");
  CHECK(names({{"SortBy", "Name"}, {"SortOrder", "Ascending"}}) == "apple pear ");
  CHECK(names({{"CreationTimeAfter", 1'700'000'000}}) == "pear ");
  CHECK(names({{"CreationTimeBefore", 1'700'000'010}, {"CreationTimeAfter", 1'699'999'999.5}}) == "apple ");
  CHECK(names({{"WarmPoolStatusEquals", "Available"}}) == "");
  CHECK(names({{"NextToken", nullptr}}) == "pear apple ");
}

TEST_CASE("an interruption can be rehearsed while there is an instance, and the run tells of it") {
  ServiceWorld world;
  world.provider.slots = 0;
  world.create("demo");
  const json request = {{"TrainingJobName", "demo"}, {"NoticeInSeconds", 120}};
  CHECK(world.error("Holdfast.InterruptTrainingJob", request).find("no instance") != std::string::npos);
  CHECK(world.error("Holdfast.InterruptTrainingJob", {{"TrainingJobName", "nobody"}, {"NoticeInSeconds", 0}}) ==
        "ValidationException: Requested resource not found.");
  CHECK(world.error("Holdfast.InterruptTrainingJob", {{"TrainingJobName", "demo"}, {"NoticeInSeconds", 3601}})
            .starts_with("ValidationException: 1 validation error"));
  world.provider.slots = 1;
  world.provider.sink(ports::CapacityChanged{});
  world.engine.run_until_idle();
  CHECK(world.ok("Holdfast.InterruptTrainingJob", request) == json::object());

  const json run = world.ok("Holdfast.DescribeTrainingRun", {{"TrainingJobName", "demo"}});
  CHECK(run.at("State") == "Launching");
  CHECK(run.at("Attempts") == 1);
  CHECK(run.at("History")[0].at("Event").at("is") == "Placed");
  CHECK(run.at("History")[0].at("Time") == 1'700'000'000.0);
  CHECK(run.at("LedgerInSeconds").at("Waiting") == 0.0);
  CHECK_FALSE(run.contains("LastGeneration"));
}
