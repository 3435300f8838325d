// Status changes on their way to a URL: a real server hears them, refuses them, or is not there.
#include "api/events/webhook.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>

#include "api/events/state_change.hpp"
#include "api/memory_telemetry.hpp"
#include "http/server.hpp"
#include "job/decide.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::api::events;
using nlohmann::json;

namespace {

struct MemoryFeed final : ports::StatusFeed {
  std::deque<ports::StatusChange> changes;
  std::uint64_t last = 0;
  Result<void> listen(const std::vector<std::string>&) override { return {}; }
  Result<std::uint64_t> told(const std::string&) override { return last; }
  Result<std::vector<ports::StatusChange>> after(std::uint64_t number, std::size_t limit) override {
    std::vector<ports::StatusChange> found;
    for (const auto& change : changes)
      if (change.number > number && found.size() < limit) found.push_back(change);
    return found;
  }
  Result<void> tell(const std::string&, std::uint64_t number) override {
    last = number;
    return {};
  }
};

// Answers each event with the next of its statuses, then with 200.
struct Receiver final : http::Handler {
  std::mutex mutex;
  std::deque<int> statuses;
  std::vector<http::Request> heard;
  http::BodyPlan plan(const http::RequestHead&) override {
    http::BodyPlan plan;
    plan.limit = 1 << 20;
    return plan;
  }
  void handle(http::Request request, std::unique_ptr<http::BodySink>, http::Reply reply) override {
    const std::lock_guard lock(mutex);
    heard.push_back(std::move(request));
    const int status = statuses.empty() ? 200 : statuses.front();
    if (!statuses.empty()) statuses.pop_front();
    reply(http::plain_text(status, ""));
  }
};

job::Job a_job() {
  auto spec = std::make_shared<job::JobSpec>();
  spec->name = JobName{"a"};
  spec->arn = "arn:aws:sagemaker:us-east-1:000000000000:training-job/a";
  return job::create(spec, from_ms(1'000'250)).job;
}

ports::StatusChange change(std::uint64_t number, job::Job job, std::size_t before) {
  return {number, {std::move(job), {"{}", {{"team", "x"}}}}, before};
}

json described(const ports::StoredJob& stored) {
  json list = json::array();
  for (const auto& transition : stored.job.transitions)
    list.push_back({{"Status", to_string(transition.status)},
                    {"StartTime", static_cast<double>(to_ms(transition.start)) / 1000},
                    {"EndTime", 2000.5},
                    {"StatusMessage", transition.message}});
  return {{"TrainingJobName", "a"},
          {"CreationTime", 1000.25},
          {"LastModifiedTime", 1000.25},
          {"TrainingEndTime", 2000.5},
          {"TrainingJobStatus", "Stopped"},
          {"SecondaryStatus", "Stopped"},
          {"SecondaryStatusTransitions", list}};
}

struct World {
  Receiver receiver;
  http::Server server{{}, receiver};
  testing::ManualClock clock;
  MemoryFeed feed;
  testing::TempDir directory;
  std::unique_ptr<telemetry::FileLogs> logs = std::move(*telemetry::FileLogs::open(directory.path(), clock));
  testing::MemoryTelemetry telemetry{*logs};
  std::string secret = "whsec_" + std::string("c2VjcmV0LXNlY3JldC1zZWNyZXQ=");
  World() { REQUIRE(server.start()); }
  std::string url() { return fmt::format("http://127.0.0.1:{}/hook?token=t", server.port()); }
  Webhook webhook() { return Webhook({feed, telemetry, clock, url(), secret, "000000000000", "us-east-1"}); }
};

}  // namespace

TEST_CASE("an event has EventBridge's form, epoch milliseconds and the tags as an object") {
  const auto job = a_job();
  const auto events = events_of(change(1, job, 0), described({job, {}}), "000000000000", "us-east-1");
  REQUIRE(events.size() == 1);
  const auto event = json::parse(events[0].body);
  CHECK(event["id"] == events[0].id);
  CHECK(event["source"] == "aws.sagemaker");
  CHECK(event["detail-type"] == "SageMaker Training Job State Change");
  CHECK(event["time"] == "1970-01-01T00:16:40Z");
  CHECK(event["resources"] == json::array({job.spec->arn}));
  CHECK(event["detail"]["CreationTime"] == 1000250);
  CHECK(event["detail"]["Tags"] == json({{"team", "x"}}));
  CHECK(event["detail"]["SecondaryStatusTransitions"][0]["StartTime"] == 1000250);
  // Told of again it is the same one; another job's, or another status of it, is not.
  CHECK(events_of(change(9, job, 0), described({job, {}}), "000000000000", "us-east-1")[0].id == events[0].id);
}

TEST_CASE("a decision that passes through two statuses makes two events, and the first knows nothing of the second") {
  auto stopped = job::decide(a_job(), job::StopRequested{}, from_ms(1'005'000));
  REQUIRE(stopped);
  REQUIRE(stopped->job.transitions.size() == 3);
  const auto events = events_of(change(1, stopped->job, 1), described({stopped->job, {}}), "0", "r");
  REQUIRE(events.size() == 2);
  const auto first = json::parse(events[0].body)["detail"];
  CHECK(first["SecondaryStatus"] == "Stopping");
  CHECK(first["TrainingJobStatus"] == "Stopping");
  CHECK(first["SecondaryStatusTransitions"].size() == 2);
  CHECK_FALSE(first.contains("TrainingEndTime"));
  CHECK(json::parse(events[1].body)["detail"]["SecondaryStatus"] == "Stopped");
  CHECK(json::parse(events[1].body)["detail"]["TrainingEndTime"] == 2000500);
  CHECK(events[0].id != events[1].id);
}

TEST_CASE("an event is signed as the Standard Webhooks specification says") {
  World world;
  world.feed.changes.push_back(change(1, a_job(), 0));
  auto webhook = world.webhook();
  CHECK(webhook.work() == kLookAgain);
  REQUIRE(world.receiver.heard.size() == 1);
  const auto& request = world.receiver.heard[0];
  CHECK(request.head.method == "POST");
  CHECK(request.head.target == "/hook?token=t");
  const auto& headers = request.head.headers;
  const auto timestamp = std::to_string(to_epoch_seconds(world.clock.now()));
  CHECK(headers.get("webhook-timestamp") == timestamp);
  CHECK(headers.get("webhook-id") == json::parse(request.body)["id"].get<std::string>());
  CHECK(headers.get("webhook-signature") ==
        *webhook_signature(world.secret, headers.get("webhook-id"), std::stoll(timestamp), request.body));
  CHECK(world.feed.last == 1);
}

TEST_CASE("the signature is that of the specification's own example") {
  const auto signature = webhook_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                           1614265330, R"({"test": 2432232314})");
  REQUIRE(signature);
  CHECK(*signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  CHECK_FALSE(webhook_signature("hush", "id", 1, "body"));
}

TEST_CASE("what was not heard is told again later, before anything newer") {
  World world;
  world.receiver.statuses = {500, 503};
  world.feed.changes = {change(1, a_job(), 0), change(2, a_job(), 0)};
  auto webhook = world.webhook();
  CHECK(webhook.work() == seconds{1});
  CHECK(world.feed.last == 0);
  CHECK(webhook.work() == seconds{2});
  CHECK(webhook.work() == kLookAgain);
  CHECK(world.feed.last == 2);
  CHECK(world.receiver.heard.size() == 4);
}

TEST_CASE("a server that is away is asked less and less often, and after a day that event is given up") {
  World world;
  auto webhook = world.webhook();
  world.feed.changes.push_back(change(1, a_job(), 0));
  world.server.stop();
  Duration longest{0};
  for (int i = 0; i < 12; ++i) longest = std::max(longest, webhook.work());
  CHECK(longest == kLongestPause);
  world.clock.advance(kGiveUpAfter);
  CHECK(webhook.work() == kLookAgain);
  CHECK(world.feed.last == 1);
}

TEST_CASE("who answers that it is gone is left alone") {
  World world;
  world.receiver.statuses = {410};
  world.feed.changes = {change(1, a_job(), 0)};
  auto webhook = world.webhook();
  CHECK(webhook.work() == kLongestPause);
  CHECK(webhook.work() == kLongestPause);
  CHECK(world.receiver.heard.size() == 1);
  CHECK(world.feed.last == 0);
}

TEST_CASE("only URLs of the web are taken, and a secret can be made") {
  for (const char* good : {"http://h/x", "https://user:pw@h:1/x?y", "http://[::1]:80"}) CHECK(check_webhook_url(good));
  for (const char* bad : {"", "ftp://h", "http://", "http:///x", "http://h\n", "h:80"})
    CHECK_FALSE(check_webhook_url(bad));
  SeededRandom random(1);
  CHECK(webhook_signature(make_webhook_secret(random), "i", 1, "b"));
}
