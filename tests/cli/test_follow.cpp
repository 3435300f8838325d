#include <doctest/doctest.h>

#include <sstream>

#include "cli/fake_service.hpp"
#include "cli/follow.hpp"

using namespace holdfast;
using namespace holdfast::cli;
using nlohmann::json;

namespace {

constexpr const char* kDescribe = "SageMaker.DescribeTrainingJob";
constexpr const char* kStreams = "Logs_20140328.DescribeLogStreams";
constexpr const char* kEvents = "Logs_20140328.GetLogEvents";

json event(std::int64_t ms, const std::string& message) { return {{"timestamp", ms}, {"message", message}}; }
json page(std::vector<json> events, const std::string& next) {
  return {{"events", std::move(events)}, {"nextForwardToken", next}};
}

struct Scene {
  FakeService service;
  std::ostringstream out, err;
  Terminal terminal{out, err, false};

  Scene() {
    service.answers[kStreams] = {json{{"logStreams", json::array({{{"logStreamName", "train-1/algo-1-1"}}})}}};
    service.answers[kEvents] = {page({}, "f/0")};
  }
  Result<std::optional<JobAnswer>> follow(FollowOptions options = {}, int patience = 1000) {
    FakePause pause{patience};
    return Follower{service, terminal, pause, "train-1", options}.follow();
  }
};

}  // namespace

TEST_CASE("each status is printed once, also when several came between two polls") {
  Scene scene;
  scene.service.answers[kDescribe] = {job_answer("InProgress", {"Starting"}), job_answer("InProgress", {"Starting"}),
                                      job_answer("InProgress", {"Starting", "Downloading", "Training"}),
                                      job_answer("Completed", {"Starting", "Downloading", "Training", "Completed"})};
  const auto end = scene.follow();
  REQUIRE(end.has_value());
  CHECK((*end)->status == "Completed");
  CHECK(scene.out.str() ==
        "2023-11-14 22:13:20 Starting - about Starting\n"
        "2023-11-14 22:13:21 Downloading - about Downloading\n"
        "2023-11-14 22:13:22 Training - about Training\n"
        "2023-11-14 22:13:23 Completed - about Completed\n");
}

TEST_CASE("statuses that come again are new ones, and the forgotten beginning of a long life is not missed") {
  Scene scene;
  auto later = job_answer("Completed", {"Starting", "Interrupted", "Starting", "Completed"});
  later["SecondaryStatusTransitions"].erase(0);
  scene.service.answers[kDescribe] = {job_answer("InProgress", {"Starting", "Interrupted"}), later};
  REQUIRE(scene.follow().has_value());
  CHECK(scene.out.str() ==
        "2023-11-14 22:13:20 Starting - about Starting\n"
        "2023-11-14 22:13:21 Interrupted - about Interrupted\n"
        "2023-11-14 22:13:22 Starting - about Starting\n"
        "2023-11-14 22:13:23 Completed - about Completed\n");
}

TEST_CASE("log lines stand between the statuses where their time puts them, and are read on from their token") {
  Scene scene;
  scene.service.answers[kDescribe] = {job_answer("Completed", {"Training", "Uploading", "Completed"})};
  scene.service.answers[kEvents] = {page({event(1700000000500, "epoch=1")}, "f/1"),
                                    page({event(1700000001500, "done")}, "f/2"), page({}, "f/2")};
  REQUIRE(scene.follow().has_value());
  CHECK(scene.out.str() ==
        "2023-11-14 22:13:20 Training - about Training\n"
        "epoch=1\n"
        "2023-11-14 22:13:21 Uploading - about Uploading\n"
        "done\n"
        "2023-11-14 22:13:22 Completed - about Completed\n");
  const auto reads = scene.service.bodies(kEvents);
  REQUIRE(reads.size() == 3);
  CHECK_FALSE(reads[0].contains("nextToken"));
  CHECK(reads[1]["nextToken"] == "f/1");
  CHECK(reads[2]["nextToken"] == "f/2");
}

TEST_CASE("a log longer than one read is shown whole, though the job is over") {
  Scene scene;
  scene.service.answers[kDescribe] = {job_answer("Completed", {"Completed"})};
  auto& pages = scene.service.answers[kEvents];
  pages.clear();
  std::string expected;
  for (int i = 0; i < 3 * kMaxLogPagesPerRead; ++i) {
    pages.push_back(page({event(1700000000000, "line " + std::to_string(i))}, "f/" + std::to_string(i)));
    expected += "line " + std::to_string(i) + "\n";
  }
  pages.push_back(page({}, "end"));
  REQUIRE(scene.follow({.statuses = false}).has_value());
  CHECK(scene.out.str() == expected);
}

TEST_CASE("a job that has not printed anything has no log group, which is fine") {
  Scene scene;
  scene.service.answers[kDescribe] = {job_answer("Stopped", {"Stopped"})};
  scene.service.answers[kStreams] = {fail(Kind::not_found, "ResourceNotFoundException: no group")};
  REQUIRE(scene.follow().has_value());
}

TEST_CASE("a service that goes away is waited for, and nothing is printed twice") {
  Scene scene;
  scene.service.answers[kDescribe] = {job_answer("InProgress", {"Starting"}), fail(Kind::try_again, "away"),
                                      fail(Kind::try_again, "away"), job_answer("Failed", {"Starting", "Failed"})};
  const auto end = scene.follow();
  REQUIRE(end.has_value());
  CHECK(exit_code(**end) == kExitJobFailed);
  CHECK(scene.out.str() ==
        "2023-11-14 22:13:20 Starting - about Starting\n2023-11-14 22:13:21 Failed - about Failed\n");
  CHECK(scene.err.str() ==
        "holdfast: away; the training goes on meanwhile, and we wait\nholdfast: the service is back\n");
}

TEST_CASE("a service that never answers is an error at once, one that stays away is one in the end") {
  Scene never;
  never.service.answers[kDescribe] = {fail(Kind::try_again, "away")};
  CHECK_FALSE(never.follow().has_value());
  CHECK(never.service.calls.size() == 1);
  Scene gone;
  gone.service.answers[kDescribe] = {job_answer("InProgress", {"Starting"}), fail(Kind::try_again, "away")};
  CHECK_FALSE(gone.follow({}, kMaxUnansweredPolls + 10).has_value());
}

TEST_CASE("a job that does not exist is named") {
  Scene scene;
  scene.service.answers[kDescribe] = {fail(Kind::not_found, "ValidationException: Requested resource not found.")};
  const auto end = scene.follow();
  REQUIRE_FALSE(end.has_value());
  CHECK(end.error().message.find("no training job 'train-1'") != std::string::npos);
}

TEST_CASE("Ctrl-C ends the following, not the job") {
  Scene scene;
  scene.service.answers[kDescribe] = {job_answer("InProgress", {"Starting"})};
  const auto end = scene.follow({}, 0);
  REQUIRE(end.has_value());
  CHECK_FALSE(end->has_value());
}

TEST_CASE("without following, what there is now is printed") {
  Scene scene;
  scene.service.answers[kDescribe] = {job_answer("InProgress", {"Training"})};
  scene.service.answers[kEvents] = {page({event(1, "a")}, "f/1"), page({}, "f/1")};
  REQUIRE(scene.follow({.statuses = false, .until_over = false}, 0).has_value());
  CHECK(scene.out.str() == "a\n");
}

TEST_CASE("an answer that is not one is an error, not a crash") {
  Scene scene;
  scene.service.answers[kDescribe] = {json{{"TrainingJobName", 5}}};
  CHECK_FALSE(scene.follow().has_value());
  scene.service.answers[kDescribe] = {job_answer("Completed", {"Completed"})};
  scene.service.answers[kEvents] = {page({json{{"message", "no time"}}}, "f/1")};
  CHECK_FALSE(scene.follow().has_value());
}
