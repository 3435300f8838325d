// The operations of CloudWatch Logs, on groups of users and on the trainings' own.
#include <set>

#include "api/service_world.hpp"

using namespace holdfast;
using holdfast::testing::json;
using holdfast::testing::ServiceWorld;

namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr const char* kTrainings = "/aws/sagemaker/TrainingJobs";
constexpr const char* kNoGroup = "ResourceNotFoundException: The specified log group does not exist.";
constexpr const char* kNoStream = "ResourceNotFoundException: The specified log stream does not exist.";
constexpr const char* kBadToken = "InvalidParameterException: The specified nextToken is invalid.";

struct Logs : ServiceWorld {
  json logs(const std::string& operation, const json& request) { return ok("Logs_20140328." + operation, request); }
  std::string refused(const std::string& operation, const json& request) {
    return error("Logs_20140328." + operation, request);
  }
  void stream(const std::string& group, const std::string& name) {
    logs("CreateLogStream", {{"logGroupName", group}, {"logStreamName", name}});
  }
  json put(const std::string& name, const std::vector<std::pair<std::int64_t, std::string>>& events) {
    json list = json::array();
    for (const auto& [at, message] : events) list.push_back({{"timestamp", at}, {"message", message}});
    return {{"logGroupName", "mine"}, {"logStreamName", name}, {"logEvents", list}};
  }
  void group_with(const std::vector<std::string>& streams) {
    logs("CreateLogGroup", {{"logGroupName", "mine"}});
    for (const auto& name : streams) stream("mine", name);
  }
  std::string names(const json& page, const char* list = "logStreams", const char* member = "logStreamName") {
    std::string all;
    for (const auto& item : page.at(list)) all += item.at(member).get<std::string>() + " ";
    return all;
  }
  std::string messages(const json& page) { return names(page, "events", "message"); }
};

}  // namespace

TEST_CASE("groups are made, listed by prefix or part and page by page, and deleted") {
  Logs world;
  for (const auto* name : {"b", "a/one", "a/two"}) world.logs("CreateLogGroup", {{"logGroupName", name}});
  CHECK(world.refused("CreateLogGroup", {{"logGroupName", "b"}}) ==
        "ResourceAlreadyExistsException: The specified log group already exists");
  json page = world.logs("DescribeLogGroups", json::object());
  CHECK(world.names(page, "logGroups", "logGroupName") == "/aws/sagemaker/TrainingJobs a/one a/two b ");
  const json shown = page.at("logGroups")[1];
  CHECK(shown.at("arn") == "arn:aws:logs:us-east-1:123456789012:log-group:a/one:*");
  CHECK(shown.at("creationTime") == kNow);
  CHECK_FALSE(shown.contains("retentionInDays"));
  const auto of = [&](const json& request) {
    return world.names(world.logs("DescribeLogGroups", request), "logGroups", "logGroupName");
  };
  CHECK(of({{"logGroupNamePrefix", "a/"}}) == "a/one a/two ");
  CHECK(of({{"logGroupNamePattern", "two"}}) == "a/two ");
  CHECK(world.refused("DescribeLogGroups", {{"logGroupNamePattern", "two"}, {"logGroupNamePrefix", "a"}})
            .starts_with("InvalidParameterException: "));
  page = world.logs("DescribeLogGroups", {{"limit", 3}});
  CHECK(of({{"limit", 3}, {"nextToken", page.at("nextToken")}}) == "b ");
  CHECK(world.refused("DescribeLogGroups", {{"logGroupNamePrefix", "a"}, {"nextToken", page.at("nextToken")}}) ==
        kBadToken);
  world.logs("DeleteLogGroup", {{"logGroupName", "b"}});
  CHECK(world.refused("DeleteLogGroup", {{"logGroupName", "b"}}) == kNoGroup);
  CHECK(world.refused("DescribeLogStreams", {{"logGroupName", "b"}}) == kNoGroup);
  CHECK(world.refused("CreateLogGroup", {{"logGroupName", "no spaces"}}) ==
        "InvalidParameterException: 1 validation error detected: Value 'no spaces' at 'logGroupName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+");
  CHECK(world.refused("CreateLogGroup", {{"logGroupName", "x"}, {"kmsKeyId", "k"}}).find("leave kmsKeyId out") !=
        std::string::npos);
}

TEST_CASE("a group has a retention and tags") {
  Logs world;
  world.logs("CreateLogGroup", {{"logGroupName", "mine"}, {"tags", {{"a", "1"}, {"b", "2"}}}});
  world.logs("PutRetentionPolicy", {{"logGroupName", "mine"}, {"retentionInDays", 7}});
  const auto shown = [&] {
    return world.logs("DescribeLogGroups", {{"logGroupNamePrefix", "mine"}}).at("logGroups")[0];
  };
  CHECK(shown().at("retentionInDays") == 7);
  CHECK(world.refused("PutRetentionPolicy", {{"logGroupName", "mine"}, {"retentionInDays", 2}})
            .starts_with("InvalidParameterException: 1 validation error detected: Value '2' at 'retentionInDays'"));
  world.logs("DeleteRetentionPolicy", {{"logGroupName", "mine"}});
  CHECK_FALSE(shown().contains("retentionInDays"));
  world.logs("TagLogGroup", {{"logGroupName", "mine"}, {"tags", {{"b", "3"}, {"c", ""}}}});
  world.logs("UntagLogGroup", {{"logGroupName", "mine"}, {"tags", {"a", "none"}}});
  CHECK(world.logs("ListTagsLogGroup", {{"logGroupName", "mine"}}).at("tags") == json{{"b", "3"}, {"c", ""}});
  json many = json::object();
  for (int i = 0; i < 49; ++i) many[std::to_string(i)] = "x";
  CHECK(world.refused("TagLogGroup", {{"logGroupName", "mine"}, {"tags", many}}) ==
        "InvalidParameterException: A log group can have at most 50 tags.");
  for (const auto* operation : {"DeleteRetentionPolicy", "ListTagsLogGroup"})
    CHECK(world.refused(operation, {{"logGroupName", "none"}}) == kNoGroup);
}

TEST_CASE("groups are tagged by ARN too") {
  Logs world;
  world.group_with({});
  const std::string arn = "arn:aws:logs:us-east-1:123456789012:log-group:mine";
  world.logs("TagResource", {{"resourceArn", arn}, {"tags", {{"a", "1"}, {"b", "2"}}}});
  world.logs("UntagResource", {{"resourceArn", arn}, {"tagKeys", {"a", "none"}}});
  CHECK(world.logs("ListTagsForResource", {{"resourceArn", arn}}).at("tags") == json{{"b", "2"}});
  CHECK(world.logs("ListTagsLogGroup", {{"logGroupName", "mine"}}).at("tags") == json{{"b", "2"}});
  CHECK(world.refused("ListTagsForResource", {{"resourceArn", arn + "-not"}}) == kNoGroup);
  for (const auto* other : {"mine", "arn:aws:logs:us-east-1:123456789012:destination:d"})
    CHECK(world.refused("TagResource", {{"resourceArn", other}, {"tags", {{"a", "1"}}}})
              .starts_with("InvalidParameterException: The resourceArn '" + std::string(other) +
                           "' is not that of a log"));
}

TEST_CASE("every group is of the class STANDARD, and none is protected") {
  Logs world;
  world.logs("CreateLogGroup",
             {{"logGroupName", "mine"}, {"logGroupClass", "STANDARD"}, {"deletionProtectionEnabled", false}});
  CHECK(world.refused("CreateLogGroup", {{"logGroupName", "x"}, {"logGroupClass", "INFREQUENT_ACCESS"}})
            .ends_with("'logGroupClass' is not supported: every log group is of the class STANDARD here, so leave it "
                       "out."));
  CHECK(world.refused("CreateLogGroup", {{"logGroupName", "x"}, {"deletionProtectionEnabled", true}})
            .starts_with("InvalidParameterException: 1 validation error detected: 'deletionProtectionEnabled'"));
  const json shown = world.logs("DescribeLogGroups", {{"logGroupNamePrefix", "mine"}, {"logGroupClass", "STANDARD"}});
  CHECK(shown.at("logGroups")[0].at("logGroupClass") == "STANDARD");
  CHECK(shown.at("logGroups")[0].at("logGroupArn") == "arn:aws:logs:us-east-1:123456789012:log-group:mine");
  CHECK(world.logs("DescribeLogGroups", {{"logGroupClass", "DELIVERY"}}).at("logGroups").empty());
  const json named = {"mine", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/TrainingJobs", "none"};
  CHECK(world.names(world.logs("DescribeLogGroups", {{"logGroupIdentifiers", named}}), "logGroups", "logGroupName") ==
        "/aws/sagemaker/TrainingJobs mine ");
}

TEST_CASE("the names of groups are listed by what they hold or begin with, page by page") {
  Logs world;
  for (const auto* name : {"app/one", "app/two", "my-app/one"}) world.logs("CreateLogGroup", {{"logGroupName", name}});
  const auto of = [&](const json& request) {
    return world.names(world.logs("ListLogGroups", request), "logGroups", "logGroupName");
  };
  CHECK(of(json::object()) == "/aws/sagemaker/TrainingJobs app/one app/two my-app/one ");
  CHECK(of({{"logGroupNamePattern", "app"}}) == "app/one app/two my-app/one ");
  CHECK(of({{"logGroupNamePattern", "^app"}}) == "app/one app/two ");
  CHECK(of({{"logGroupNamePattern", "two|^my-"}}) == "app/two my-app/one ");
  CHECK(of({{"logGroupClass", "INFREQUENT_ACCESS"}}) == "");
  const json page = world.logs("ListLogGroups", {{"limit", 3}, {"logGroupClass", "STANDARD"}});
  CHECK(page.at("logGroups")[1] == json{{"logGroupName", "app/one"},
                                        {"logGroupArn", "arn:aws:logs:us-east-1:123456789012:log-group:app/one"},
                                        {"logGroupClass", "STANDARD"}});
  CHECK(of({{"nextToken", page.at("nextToken")}, {"logGroupClass", "STANDARD"}}) == "my-app/one ");
  CHECK(world.refused("ListLogGroups", {{"nextToken", page.at("nextToken")}}) == kBadToken);
  CHECK(world.refused("ListLogGroups", {{"logGroupNamePattern", "a b"}}).starts_with("InvalidParameterException"));
}

TEST_CASE("whose events they are may be said, and does not matter") {
  Logs world;
  world.group_with({"a"});
  auto request = world.put("a", {{kNow, "x"}});
  request["entity"] = {{"keyAttributes", {{"Type", "Service"}, {"Name", "training"}}}};
  world.logs("PutLogEvents", request);
}

TEST_CASE("streams are listed by name or by their last event, in either order, page by page") {
  Logs world;
  world.group_with({"c", "a", "b", "b2"});
  world.logs("PutLogEvents", world.put("a", {{kNow - 5, "x"}, {kNow, "y"}}));
  world.logs("PutLogEvents", world.put("c", {{kNow - 9, "x"}}));
  const auto list = [&](json request) {
    request["logGroupName"] = "mine";
    std::string all;
    for (;;) {
      const json page = world.logs("DescribeLogStreams", request);
      all += world.names(page);
      if (!page.contains("nextToken")) return all;
      request["nextToken"] = page.at("nextToken");
    }
  };
  for (int limit : {1, 2, 50}) {
    CHECK(list({{"limit", limit}}) == "a b b2 c ");
    CHECK(list({{"limit", limit}, {"descending", true}}) == "c b2 b a ");
    CHECK(list({{"limit", limit}, {"orderBy", "LastEventTime"}, {"descending", true}}) == "a c b2 b ");
    CHECK(list({{"limit", limit}, {"orderBy", "LastEventTime"}}) == "b b2 c a ");
    CHECK(list({{"limit", limit}, {"logStreamNamePrefix", "b"}}) == "b b2 ");
  }
  CHECK(world.refused("DescribeLogStreams",
                      {{"logGroupName", "mine"}, {"logStreamNamePrefix", "b"}, {"orderBy", "LastEventTime"}}) ==
        "InvalidParameterException: Cannot order by LastEventTime with a logStreamNamePrefix.");
  const json first = world.logs("DescribeLogStreams", {{"logGroupName", "mine"}}).at("logStreams")[0];
  CHECK(first.at("firstEventTimestamp") == kNow - 5);
  CHECK(first.at("lastEventTimestamp") == kNow);
  CHECK(first.at("lastIngestionTime") == kNow);
  CHECK(first.at("creationTime") == kNow);
  CHECK(first.at("storedBytes") == 0);
  CHECK(first.at("arn") == "arn:aws:logs:us-east-1:123456789012:log-group:mine:log-stream:a");
  const json page = world.logs("DescribeLogStreams", {{"logGroupName", "mine"}, {"limit", 1}});
  CHECK(world.refused("DescribeLogStreams",
                      {{"logGroupName", "mine"}, {"descending", true}, {"nextToken", page.at("nextToken")}}) ==
        kBadToken);
  // Newer clients may name the group by an ARN.
  CHECK(world.names(world.logs("DescribeLogStreams",
                               {{"logGroupIdentifier", "arn:aws:logs:us-east-1:123456789012:log-group:mine"}})) ==
        "a b b2 c ");
  CHECK(world.names(world.logs("DescribeLogStreams", {{"logGroupIdentifier", "mine"}})) == "a b b2 c ");
  CHECK(world.refused("DescribeLogStreams", json::object()).find("Value null at 'logGroupName'") != std::string::npos);
  CHECK(world.refused("DescribeLogStreams", {{"logGroupIdentifier", "mine"}, {"logGroupName", "mine"}})
            .starts_with("InvalidParameterException: "));
}

TEST_CASE("streams are made once and deleted once") {
  Logs world;
  world.group_with({"s"});
  const json named = {{"logGroupName", "mine"}, {"logStreamName", "s"}};
  CHECK(world.refused("CreateLogStream", named) ==
        "ResourceAlreadyExistsException: The specified log stream already exists");
  CHECK(world.refused("CreateLogStream", {{"logGroupName", "none"}, {"logStreamName", "s"}}) == kNoGroup);
  CHECK(world.refused("CreateLogStream", {{"logGroupName", "mine"}, {"logStreamName", "a:b"}})
            .starts_with("InvalidParameterException: 1 validation error detected: Value 'a:b' at 'logStreamName'"));
  world.logs("DeleteLogStream", named);
  CHECK(world.refused("DeleteLogStream", named) == kNoStream);
  CHECK(world.refused("PutLogEvents", world.put("s", {{kNow, "x"}})) == kNoStream);
}

TEST_CASE("a batch of events keeps to CloudWatch's limits") {
  Logs world;
  world.group_with({"s"});
  const auto refusal = [&](const std::vector<std::pair<std::int64_t, std::string>>& events) {
    return world.refused("PutLogEvents", world.put("s", events));
  };
  CHECK(refusal({{kNow, "b"}, {kNow - 1, "a"}}) ==
        "InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order.");
  CHECK(refusal({{kNow - 86'400'001, "a"}, {kNow, "b"}}) ==
        "InvalidParameterException: The batch of log events in a single PutLogEvents request cannot span more than 24 "
        "hours.");
  CHECK(refusal({{kNow, std::string(262'144 - 25, 'x')}}) ==
        "InvalidParameterException: Log event too large: 262145 bytes exceeds limit of 262144");
  const std::pair<std::int64_t, std::string> large{kNow, std::string(262'144 - 26, 'x')};
  CHECK(refusal({large, large, large, large, {kNow, "x"}}) ==
        "InvalidParameterException: Upload too large: 1048603 bytes exceeds limit of 1048576");
  CHECK(refusal({}).find("Value '[]' at 'logEvents'") != std::string::npos);
  CHECK(refusal({{kNow, ""}}).find("logEvents.1.member.message") != std::string::npos);
  const std::vector<std::pair<std::int64_t, std::string>> too_many(10'001, {kNow, "x"});
  CHECK(refusal(too_many).find("less than or equal to 10000") != std::string::npos);

  const json first = world.logs("PutLogEvents", world.put("s", {large, large, large, large}));
  CHECK_FALSE(first.contains("rejectedLogEventsInfo"));
  const json second = world.logs("PutLogEvents", world.put("s", {{kNow, "again"}}));
  CHECK(second.at("nextSequenceToken") > first.at("nextSequenceToken"));
  json with_token = world.put("s", {{kNow, "more"}});
  with_token["sequenceToken"] = "whatever";
  world.logs("PutLogEvents", with_token);
}

TEST_CASE("events that are too old, expired or too new are left out and counted") {
  Logs world;
  world.group_with({"old", "new", "expired"});
  constexpr std::int64_t kDay = 86'400'000;
  constexpr std::int64_t kHour = 3'600'000;
  json done =
      world.logs("PutLogEvents",
                 world.put("old", {{kNow - 14 * kDay - 2, "a"}, {kNow - 14 * kDay - 1, "b"}, {kNow - 14 * kDay, "c"}}));
  CHECK(done.at("rejectedLogEventsInfo") == json{{"tooOldLogEventEndIndex", 2}});
  done =
      world.logs("PutLogEvents", world.put("new", {{kNow, "a"}, {kNow + 2 * kHour, "b"}, {kNow + 2 * kHour + 1, "c"}}));
  CHECK(done.at("rejectedLogEventsInfo") == json{{"tooNewLogEventStartIndex", 2}});
  world.logs("PutRetentionPolicy", {{"logGroupName", "mine"}, {"retentionInDays", 1}});
  done = world.logs("PutLogEvents", world.put("expired", {{kNow - kDay - 1, "a"}, {kNow - kDay, "b"}}));
  CHECK(done.at("rejectedLogEventsInfo") == json{{"expiredLogEventEndIndex", 1}});
  world.logs("DeleteRetentionPolicy", {{"logGroupName", "mine"}});
  const auto kept = [&](const char* name) {
    return world.messages(world.logs("GetLogEvents", {{"logGroupName", "mine"}, {"logStreamName", name}}));
  };
  CHECK(kept("old") == "c ");
  CHECK(kept("new") == "a b ");
  CHECK(kept("expired") == "b ");
  done = world.logs("PutLogEvents", world.put("old", {{1, "a"}}));
  CHECK(done.at("rejectedLogEventsInfo") == json{{"tooOldLogEventEndIndex", 1}});
}

TEST_CASE("the tokens of a page are stable, and at either end the one that was passed in comes back") {
  Logs world;
  world.group_with({"s"});
  world.logs("PutLogEvents", world.put("s", {{kNow, "a"}, {kNow + 1, "b"}, {kNow + 2, "c"}, {kNow + 3, "d"}}));
  const auto get = [&](json request) {
    request["logGroupName"] = "mine";
    request["logStreamName"] = "s";
    return world.logs("GetLogEvents", request);
  };
  const json head = get({{"limit", 2}, {"startFromHead", true}});
  CHECK(world.messages(head) == "a b ");
  const json before = get({{"nextToken", head.at("nextBackwardToken")}});
  CHECK(world.messages(before).empty());
  CHECK(before.at("nextBackwardToken") == head.at("nextBackwardToken"));
  const json after = get({{"nextToken", head.at("nextForwardToken")}, {"limit", 10}});
  CHECK(world.messages(after) == "c d ");
  CHECK(get({{"nextToken", head.at("nextForwardToken")}, {"limit", 10}}) == after);
  CHECK(world.messages(get({{"nextToken", after.at("nextBackwardToken")}, {"limit", 1}})) == "b ");
  const json end = get({{"nextToken", after.at("nextForwardToken")}});
  CHECK(end.at("events").empty());
  CHECK(end.at("nextForwardToken") == after.at("nextForwardToken"));
  CHECK(world.messages(get({{"nextToken", end.at("nextBackwardToken")}, {"limit", 1}})) == "d ");
  world.logs("PutLogEvents", world.put("s", {{kNow + 9, "e"}}));
  CHECK(world.messages(get({{"nextToken", end.at("nextForwardToken")}})) == "e ");

  CHECK(world.messages(get({{"startTime", kNow + 1}, {"endTime", kNow + 3}})) == "b c ");
  const json nothing = get({{"startTime", kNow + 500}, {"startFromHead", true}});
  CHECK(nothing.at("events").empty());
  CHECK(get({{"startTime", kNow + 500}, {"nextToken", nothing.at("nextForwardToken")}}).at("nextForwardToken") ==
        nothing.at("nextForwardToken"));
  for (const auto* token : {"f/3", "f/99999", "x/1", "f/", "b/-1", "f/18446744073709551615"}) {
    CAPTURE(token);
    CHECK(world.refused("GetLogEvents", {{"logGroupName", "mine"}, {"logStreamName", "s"}, {"nextToken", token}}) ==
          kBadToken);
  }
}

TEST_CASE("events of all streams are filtered in the order of their times, page by page") {
  Logs world;
  world.group_with({"a", "b", "c"});
  world.logs("PutLogEvents",
             world.put("a", {{kNow, "ERROR one"}, {kNow + 20, "DEBUG two"}, {kNow + 40, "ERROR three"}}));
  world.logs("PutLogEvents", world.put("b", {{kNow + 10, "ERROR four"}, {kNow + 30, "ERROR five"}}));
  const auto filter = [&](json request) {
    request["logGroupName"] = "mine";
    std::string all;
    std::set<std::string> ids;
    std::size_t count = 0;
    for (;;) {
      const json page = world.logs("FilterLogEvents", request);
      CHECK(page.at("searchedLogStreams") == json::array());
      for (const auto& event : page.at("events")) {
        all +=
            event.at("logStreamName").get<std::string>() + ":" + event.at("message").get<std::string>().substr(6) + " ";
        ids.insert(event.at("eventId"));
        CHECK(event.at("ingestionTime") == kNow);
        ++count;
      }
      if (!page.contains("nextToken")) break;
      request["nextToken"] = page.at("nextToken");
    }
    CHECK(ids.size() == count);
    return all;
  };
  for (int limit : {1, 2, 10'000}) {
    CHECK(filter({{"limit", limit}, {"filterPattern", "ERROR"}}) == "a:one b:four b:five a:three ");
    CHECK(filter({{"limit", limit}, {"startTime", kNow + 10}, {"endTime", kNow + 30}, {"filterPattern", "ERROR"}}) ==
          "b:four b:five ");
    CHECK(filter({{"limit", limit}, {"logStreamNames", {"b", "c"}}}) == "b:four b:five ");
    CHECK(filter({{"limit", limit}, {"logStreamNamePrefix", "a"}, {"interleaved", true}}) == "a:one a:two a:three ");
    CHECK(filter({{"limit", limit}, {"filterPattern", "nothing"}}).empty());
  }
  const auto refusal = [&](json request) {
    request["logGroupName"] = "mine";
    return world.refused("FilterLogEvents", request);
  };
  CHECK(refusal({{"logStreamNames", {"a", "none"}}}) == kNoStream);
  CHECK(refusal({{"logStreamNames", {"a"}}, {"logStreamNamePrefix", "a"}}).starts_with("InvalidParameterException: "));
  CHECK(refusal({{"filterPattern", "{ broken"}}).starts_with("InvalidParameterException: Invalid filter pattern: "));
  CHECK(refusal({{"nextToken", "abc"}}) == kBadToken);
  const json page = world.logs("FilterLogEvents", {{"logGroupName", "mine"}, {"limit", 1}});
  CHECK(refusal({{"filterPattern", "other"}, {"nextToken", page.at("nextToken")}}) == kBadToken);
  CHECK(world.refused("FilterLogEvents", {{"logGroupName", "none"}}) == kNoGroup);
}

TEST_CASE("the trainings' group is there before any training, and is theirs alone") {
  Logs world;
  const json group = {{"logGroupName", kTrainings}};
  CHECK(world.logs("FilterLogEvents", group).at("events").empty());
  CHECK(world.logs("DescribeLogStreams", group).at("logStreams").empty());
  CHECK(world.refused("CreateLogGroup", group) ==
        "ResourceAlreadyExistsException: The specified log group already exists");
  CHECK(world.refused("DeleteLogGroup", group).find("cannot be deleted") != std::string::npos);
  CHECK(world.refused("CreateLogStream", {{"logGroupName", kTrainings}, {"logStreamName", "demo/mine"}}) ==
        "InvalidParameterException: Only training jobs write to the log group /aws/sagemaker/TrainingJobs. Use a log "
        "group "
        "of your own.");
  json put = world.put("demo/algo-1-1", {{kNow, "x"}});
  put["logGroupName"] = kTrainings;
  CHECK(world.refused("PutLogEvents", put).find("Only training jobs write") != std::string::npos);

  world.provider.slots = 1;
  world.create("demo");
  world.engine.run_until_idle();
  world.provider.up(Fence{1});
  world.engine.run_until_idle();
  const json lines = {{{"Sequence", 0}, {"Stream", "demo/algo-1-1"}, {"Lines", {{kNow, "hello"}}}}};
  REQUIRE(
      world.agent("AgentReport", {{"TrainingJobName", "demo"}, {"Fence", 1}, {"Logs", lines}}, world.token("demo", 1))
          .status == 200);
  CHECK(world.messages(world.logs("FilterLogEvents", group)) == "hello ");
  const json stream = {{"logGroupName", kTrainings}, {"logStreamName", "demo/algo-1-1"}};
  CHECK(world.refused("DeleteLogStream", stream).starts_with("OperationAbortedException: The training job demo still"));
  world.ok("SageMaker.StopTrainingJob", {{"TrainingJobName", "demo"}});
  world.agent("AgentReport",
              {{"TrainingJobName", "demo"},
               {"Fence", 1},
               {"Events", {{{"is", "AttemptEnded"}, {"fence", 1}, {"outcome", "stopped"}, {"reason", ""}}}}},
              world.token("demo", 1));
  world.provider.gone(Fence{1}, false);
  world.engine.run_until_idle();
  INFO(world.ok("SageMaker.DescribeTrainingJob", {{"TrainingJobName", "demo"}}).dump());
  world.logs("DeleteLogStream", stream);
  CHECK(world.refused("DeleteLogStream", stream) == kNoStream);
  CHECK(world.refused("DeleteLogStream", {{"logGroupName", kTrainings}, {"logStreamName", "never/x"}}) == kNoStream);
}
