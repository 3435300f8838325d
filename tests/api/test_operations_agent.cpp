#include "api/service_world.hpp"

using namespace holdfast;
using holdfast::testing::json;
using holdfast::testing::ServiceWorld;

namespace {

// A job whose first attempt has an instance.
struct Running : ServiceWorld {
  Running() {
    provider.slots = 1;
    create("demo");
    engine.run_until_idle();
    REQUIRE(provider.launches.size() == 1);
    provider.up(Fence{1});
    engine.run_until_idle();
  }
  http::Response report(const json& events, const json& logs, std::uint64_t fence = 1) {
    return agent("AgentReport", {{"TrainingJobName", "demo"}, {"Fence", fence}, {"Events", events}, {"Logs", logs}},
                 token("demo", fence));
  }
  std::string state() { return ok("Holdfast.DescribeTrainingRun", {{"TrainingJobName", "demo"}}).at("State"); }
};

const json kLogs = {
    {{"Sequence", 0},
     {"Stream", "demo/algo-1-1700000000"},
     {"Lines", {{1'700'000'000'100, "one"}, {1'700'000'000'200, "two"}, {1'700'000'000'200, "three"}}}}};

}  // namespace

TEST_CASE("an agent's events move its job, and a repeated report changes nothing") {
  Running world;
  const json events = {{{"is", "AgentStarted"}, {"fence", 1}},
                       {{"is", "ProgramStarted"}, {"fence", 1}, {"restored", nullptr}}};
  for (int i = 0; i < 2; ++i) {
    const auto answer = world.report(events, kLogs);
    CHECK(answer.status == 200);
    CHECK(answer.body == "{}");
    CHECK(world.state() == "Training");
  }
  CHECK(world.telemetry.metrics_seen == 1);
  const json logged = world.ok("Logs_20140328.GetLogEvents", {{"logGroupName", "/aws/sagemaker/TrainingJobs"},
                                                              {"logStreamName", "demo/algo-1-1700000000"}});
  CHECK(logged.at("events").size() == 3);
}

TEST_CASE("a report is not answered with success before its logs are kept") {
  Running world;
  world.telemetry.full = true;
  CHECK(world.report(json::array(), kLogs).status == 503);
  world.telemetry.full = false;
  CHECK(world.report(json::array(), kLogs).status == 200);
}

TEST_CASE("a zombie's report is taken without effect") {
  Running world;
  world.provider.slots = 2;
  world.provider.gone(Fence{1}, true);
  world.engine.run_until_idle();
  REQUIRE(world.provider.launches.back().fence == Fence{2});
  CHECK(world.report(json::array(), {{{"Sequence", 0}, {"Stream", "demo/algo-1-1"}, {"Lines", {{1, "new"}}}}}, 2)
            .status == 200);
  CHECK(world.report({{{"is", "ProgramEnded"}, {"fence", 1}}}, kLogs, 1).status == 200);
  CHECK(world.state() == "Launching");
}

TEST_CASE("an agent speaks with its own token and of itself only") {
  Running world;
  const json body = {{"TrainingJobName", "demo"}, {"Fence", 1}};
  CHECK(world.error_of(world.agent("AgentReport", body, world.token("demo", 2))).starts_with("AccessDenied"));
  CHECK(world.error_of(world.agent("AgentReport", body, "short")).starts_with("AccessDenied"));
  CHECK(world.error_of(world.agent("AgentReport", body, "")).starts_with("MissingAuthenticationToken"));
  CHECK(world.error_of(world.agent("AgentReport", json::object(), world.token("demo", 1))).starts_with("Validation"));
  // A user's signature is not an agent's token.
  CHECK(world.error("Holdfast.AgentReport", body).starts_with("MissingAuthenticationToken"));

  for (const json& event :
       std::vector<json>{{{"is", "AgentStarted"}, {"fence", 2}},
                         {{"is", "StopRequested"}},
                         {{"is", "InstanceGone"}, {"fence", 1}},
                         {{"is", "Nonsense"}},
                         {{"is", 7}},
                         "text",
                         {{"is", "CheckpointSaved"}, {"fence", 1}, {"generation", {{"fence", 2}, {"sequence", 1}}}}}) {
    INFO(event.dump());
    CHECK(world.error_of(world.report(json::array({event}), json::array())).starts_with("Validation"));
  }
  json logs = kLogs;
  logs[0]["Stream"] = "other/algo-1-1";
  CHECK(world.error_of(world.report(json::array(), logs)).starts_with("Validation"));
  logs = kLogs;
  logs[0]["Lines"] = {{"soon", "text"}};
  CHECK(world.error_of(world.report(json::array(), logs)).starts_with("Validation"));
  CHECK(world.state() == "Launching");
}

TEST_CASE("an instance's use becomes its metrics, once however often it is reported") {
  Running world;
  const auto now = to_ms(world.clock.now());
  const auto report = [&](const json& samples, std::uint64_t fence = 1) {
    return world.agent("AgentReport", {{"TrainingJobName", "demo"}, {"Fence", fence}, {"Samples", samples}},
                       world.token("demo", fence));
  };
  const json sample = {{"Timestamp", now}, {"Values", {{"CPUUtilization", 150.5}, {"DiskUtilization", 3}}}};
  for (int i = 0; i < 2; ++i) CHECK(report(json::array({sample})).status == 200);
  json earlier = sample;
  earlier["Timestamp"] = now - 60'000;
  CHECK(report(json::array({earlier})).status == 200);
  const auto page = world.metrics->list({.with = {{"Host", "demo/algo-1"}}});
  REQUIRE(page);
  REQUIRE(page->metrics.size() == 2);
  CHECK(page->metrics[0].name == "CPUUtilization");
  const auto read = world.metrics->read(page->metrics[0], "Percent", 1, Instant{}, world.clock.now() + hours{1});
  REQUIRE(read);
  REQUIRE(read->at(0).points.size() == 1);
  CHECK(read->at(0).points[0].bucket.samples == 1);
  CHECK(read->at(0).points[0].bucket.sum == 150.5);

  for (const json& wrong : std::vector<json>{7,
                                             {7},
                                             {{{"Timestamp", now}}},
                                             {{{"Timestamp", -1}, {"Values", json::object()}}},
                                             {{{"Timestamp", now}, {"Values", {{"Nonsense", 1}}}}},
                                             {{{"Timestamp", now}, {"Values", {{"CPUUtilization", "1"}}}}},
                                             {{{"Timestamp", now}, {"Values", {{"CPUUtilization", -1}}}}},
                                             {{{"Timestamp", now}, {"Values", {{"CPUUtilization", 1e9}}}}}}) {
    INFO(wrong.dump());
    CHECK(world.error_of(report(wrong)).starts_with("Validation"));
  }
}

TEST_CASE("how safe checkpoints are becomes metrics of their own units, and is shown while it is fresh") {
  Running world;
  const auto report = [&](const json& values) {
    const json sample = {{"Timestamp", to_ms(world.clock.now())}, {"Values", values}};
    return world.agent("AgentReport", {{"TrainingJobName", "demo"}, {"Fence", 1}, {"Samples", json::array({sample})}},
                       world.token("demo", 1));
  };
  const auto run = [&] { return world.ok("Holdfast.DescribeTrainingRun", {{"TrainingJobName", "demo"}}); };
  CHECK_FALSE(run().contains("CheckpointSafety"));
  // Both kinds may be of the same moment.
  CHECK(report({{"CPUUtilization", 100}}).status == 200);
  CHECK(report({{"CheckpointAge", 12.5},
                {"CheckpointBytesAtRisk", 3e9},
                {"CheckpointUploadRate", 1e8},
                {"CheckpointTimeToSafe", 30.6}})
            .status == 200);
  const json safety = run().at("CheckpointSafety");
  CHECK(safety.at("BytesAtRisk") == 3'000'000'000);
  CHECK(safety.at("SecondsToSafe") == 30.6);
  CHECK(safety.at("UploadBytesPerSecond") == 1e8);
  const auto page = world.metrics->list({.with = {{"Host", "demo/algo-1"}}});
  REQUIRE(page);
  CHECK(page->metrics.size() == 5);
  CHECK(world.metrics->read(page->metrics[2], "Bytes", 1, Instant{}, world.clock.now() + hours{1})->size() == 1);
  world.clock.advance(minutes{4});
  CHECK_FALSE(run().contains("CheckpointSafety"));
  CHECK(world.error_of(report({{"CheckpointAge", 1}, {"CPUUtilization", 1}})).starts_with("Validation"));
  CHECK(world.error_of(report({{"CheckpointAge", -1}})).starts_with("Validation"));
}

TEST_CASE("a checkpoint that took less than nothing, or more than a day, is not believed") {
  Running world;
  for (const std::int64_t took : {std::int64_t{-1}, std::int64_t{86'400'001}}) {
    const json saved = {
        {"is", "CheckpointSaved"}, {"fence", 1}, {"generation", {{"fence", 1}, {"sequence", 1}}}, {"took", took}};
    CHECK(world.error_of(world.report(json::array({saved}), json::array())).starts_with("Validation"));
  }
}

TEST_CASE("an agent hears of a stop") {
  Running world;
  world.report({{{"is", "AgentStarted"}, {"fence", 1}}, {{"is", "ProgramStarted"}, {"fence", 1}}}, json::array());
  world.ok("SageMaker.StopTrainingJob", {{"TrainingJobName", "demo"}});
  const json wait = {{"TrainingJobName", "demo"}, {"Fence", 1}, {"Known", "go_on"}};
  const auto answer = world.agent("AgentWait", wait, world.token("demo", 1));
  CHECK(answer.body == R"({"Order":"stop"})");
  json nonsense = wait;
  nonsense["Known"] = 5;
  CHECK(world.agent("AgentWait", nonsense, world.token("demo", 1)).status == 400);
}

TEST_CASE("logs are read from the head, on from a token, and backwards from the end") {
  Running world;
  json lines = json::array();
  for (int i = 0; i < 10; ++i) lines.push_back({1000 + i, fmt::format("line {}", i)});
  world.report(json::array(), {{{"Sequence", 0}, {"Stream", "demo/algo-1-1"}, {"Lines", lines}}});
  json request = {{"logGroupName", "/aws/sagemaker/TrainingJobs"}, {"logStreamName", "demo/algo-1-1"}, {"limit", 4}};
  const auto messages = [&](const json& page) {
    std::string all;
    for (const auto& event : page.at("events")) all += event.at("message").get<std::string>().back();
    return all;
  };
  json page = world.ok("Logs_20140328.GetLogEvents", request);
  CHECK(messages(page) == "6789");
  const json end = page.at("nextForwardToken");
  request["nextToken"] = page.at("nextBackwardToken");
  page = world.ok("Logs_20140328.GetLogEvents", request);
  CHECK(messages(page) == "2345");
  request["nextToken"] = page.at("nextBackwardToken");
  page = world.ok("Logs_20140328.GetLogEvents", request);
  CHECK(messages(page) == "01");
  request["nextToken"] = page.at("nextBackwardToken");
  page = world.ok("Logs_20140328.GetLogEvents", request);
  CHECK(messages(page) == "");
  CHECK(page.at("nextBackwardToken") == request["nextToken"]);
  request["nextToken"] = end;
  page = world.ok("Logs_20140328.GetLogEvents", request);
  CHECK(messages(page) == "");
  CHECK(page.at("nextForwardToken") == end);

  request.erase("nextToken");
  request["startFromHead"] = true;
  page = world.ok("Logs_20140328.GetLogEvents", request);
  CHECK(messages(page) == "0123");
  request["startTime"] = 1002;
  request["endTime"] = 1004;
  CHECK(messages(world.ok("Logs_20140328.GetLogEvents", request)) == "23");

  request["nextToken"] = "x/1";
  CHECK(world.error("Logs_20140328.GetLogEvents", request).starts_with("InvalidParameterException: "));
  request.erase("nextToken");
  request["logStreamName"] = "demo/none";
  CHECK(world.error("Logs_20140328.GetLogEvents", request) ==
        "ResourceNotFoundException: The specified log stream does not exist.");
}

TEST_CASE("log streams are found by their job, page by page") {
  Running world;
  for (int i = 0; i < 3; ++i) {
    world.report(json::array(),
                 {{{"Sequence", i}, {"Stream", fmt::format("demo/algo-{}-1", i)}, {"Lines", {{1, "x"}}}}});
  }
  json request = {{"logGroupName", "/aws/sagemaker/TrainingJobs"}, {"logStreamNamePrefix", "demo/"}, {"limit", 2}};
  json page = world.ok("Logs_20140328.DescribeLogStreams", request);
  CHECK(page.at("logStreams").size() == 2);
  request["nextToken"] = page.at("nextToken");
  page = world.ok("Logs_20140328.DescribeLogStreams", request);
  CHECK(page.at("logStreams")[0].at("logStreamName") == "demo/algo-2-1");
  CHECK_FALSE(page.contains("nextToken"));
  CHECK(world.error("Logs_20140328.DescribeLogStreams", {{"logGroupName", "/other"}}) ==
        "ResourceNotFoundException: The specified log group does not exist.");
}
