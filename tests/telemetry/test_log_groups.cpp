#include <fstream>
#include <thread>

#include "telemetry/log_names.hpp"
#include "telemetry/log_sweeper.hpp"
#include "telemetry/telemetry_fixture.hpp"

using namespace holdfast;
using namespace holdfast::telemetry;
using Names = std::vector<std::string>;

namespace {

const std::string kTrainings(ports::kTrainingLogGroup);
constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr std::int64_t kDay = 86'400'000;

Names messages(FileLogs& logs, const std::string& group, const std::string& stream) {
  const auto page = logs.read({group, stream, 0, false, 1000, 0, kAlways});
  REQUIRE_MESSAGE(page, (page ? "" : page.error().message));
  Names found;
  for (const auto& event : page->events) found.emplace_back(event.message);
  return found;
}

}  // namespace

TEST_CASE("any name of a stream becomes a path and can be told from it again") {
  for (const std::string& name : Names{"a",
                                       ".",
                                       "..",
                                       "../x",
                                       "/",
                                       "a/b",
                                       "%2F",
                                       "with space",
                                       "käse ✓",
                                       "group.json",
                                       "x.log",
                                       "x.idx",
                                       "+",
                                       "a+/b",
                                       std::string(200, 'x'),
                                       std::string(201, 'x'),
                                       std::string(200, '+') + "/",
                                       std::string(399, '+'),
                                       std::string(512, '/'),
                                       std::string(2048, 'y'),
                                       std::string("nul\0x", 5)}) {
    CAPTURE(name);
    const auto path = path_of_stream(name);
    REQUIRE(path);
    CHECK(path->lexically_normal() == *path);
    CHECK_FALSE(path->is_absolute());
    for (const auto& part : *path) {
      CHECK(part.string().size() <= 255);
      CHECK(part != "..");
    }
    CHECK(stream_of_path(*path) == name);
  }
  CHECK_FALSE(path_of_stream(""));
  CHECK_FALSE(path_of_stream(std::string(2049, 'x')));
  for (const auto* path : {"group.json", "a.idx", "a/b.log", "%zz.log", "%2.log", "%41.log", ".log"}) {
    CAPTURE(path);
    CHECK_FALSE(stream_of_path(path));
  }
}

TEST_CASE("groups and what is in them are there again after a restart") {
  Fixture logs;
  REQUIRE(logs.store->create_group("mine", {{"team", "a"}}));
  REQUIRE(logs.store->create_group("/other/one", {}));
  REQUIRE(logs.store->set_retention("mine", 7));
  REQUIRE(logs.store->create_stream("mine", "x/y"));
  REQUIRE(logs.store->create_stream("mine", "empty"));
  CHECK(*logs.store->put("mine", "x/y", {{kNow - 1, 0, "one"}}) == 1);
  CHECK(*logs.store->put("mine", "x/y", {{kNow, 0, "two"}, {kNow, 0, "three"}}) == 2);
  logs.restart();
  Names names;
  for (const auto& group : logs.store->groups()) names.push_back(group.name);
  CHECK(names == Names{"/aws/sagemaker/TrainingJobs", "/other/one", "mine"});
  const auto mine = logs.store->group("mine");
  CHECK(mine->retention_days == 7);
  CHECK(mine->tags.at("team") == "a");
  CHECK(mine->created_ms == kNow);
  CHECK(*logs.store->stream_names("mine", "") == Names{"empty", "x/y"});
  CHECK(*logs.store->stream_names("mine", "x") == Names{"x/y"});
  CHECK(messages(*logs.store, "mine", "x/y") == Names{"one", "two", "three"});
  CHECK(logs.store->facts("mine", "x/y")->first_event_ms == kNow - 1);
  CHECK_FALSE(logs.store->facts("mine", "empty")->last_event_ms);
  CHECK(*logs.store->put("mine", "x/y", {{kNow, 0, "four"}}) == 3);
}

TEST_CASE("names that are taken and those that are not there are told apart") {
  Fixture logs;
  REQUIRE(logs.store->create_group("mine", {}));
  CHECK(logs.store->create_group("mine", {}).error().kind == Kind::conflict);
  CHECK(logs.store->create_group(kTrainings, {}).error().kind == Kind::conflict);
  REQUIRE(logs.store->create_stream("mine", "s"));
  CHECK(logs.store->create_stream("mine", "s").error().kind == Kind::conflict);
  CHECK(logs.store->create_stream("none", "s").error().kind == Kind::not_found);
  CHECK(logs.store->put("mine", "none", {}).error().kind == Kind::not_found);
  CHECK(logs.store->stream_names("none", "").error().kind == Kind::not_found);
  CHECK(logs.store->delete_stream("mine", "none").error().kind == Kind::not_found);
  CHECK(logs.store->delete_group("none").error().kind == Kind::not_found);
  CHECK(logs.store->set_retention("none", 1).error().kind == Kind::not_found);
  CHECK(logs.store->delete_group(kTrainings).error().kind == Kind::invalid);
}

TEST_CASE("what is deleted is gone, and its name begins anew") {
  Fixture logs;
  REQUIRE(logs.store->create_group("mine", {}));
  REQUIRE(logs.store->create_stream("mine", "s"));
  REQUIRE(logs.store->put("mine", "s", {{kNow, 0, "old"}}));
  REQUIRE(logs.store->delete_stream("mine", "s"));
  CHECK(logs.store->facts("mine", "s").error().kind == Kind::not_found);
  REQUIRE(logs.store->create_stream("mine", "s"));
  CHECK(messages(*logs.store, "mine", "s").empty());
  REQUIRE(logs.store->put("mine", "s", {{kNow, 0, "older"}}));
  REQUIRE(logs.store->delete_group("mine"));
  CHECK(logs.store->stream_names("mine", "").error().kind == Kind::not_found);
  logs.restart();
  REQUIRE(logs.store->create_group("mine", {}));
  CHECK(logs.store->stream_names("mine", "")->empty());
  CHECK(logs.store->facts("mine", "s").error().kind == Kind::not_found);
}

TEST_CASE("there may be so many groups and no more") {
  Fixture logs;
  logs.stop();
  for (std::size_t i = 1; i < kMaxLogGroups; ++i) {
    const auto place = logs.root / "logs/.groups" / std::to_string(i);
    fs::create_directory(place);
    std::ofstream(place / "group.json") << fmt::format(R"({{"name": "{}", "created_ms": 1, "tags": {{}}}})", i);
  }
  logs.restart();
  CHECK(logs.store->groups().size() == kMaxLogGroups);
  CHECK(logs.store->create_group("one more", {}).error().kind == Kind::no_space);
}

TEST_CASE("what has expired is not shown, and its space is taken back once all of a stream has") {
  Fixture logs;
  REQUIRE(logs.append(1, 5, {"ancient"}));
  REQUIRE(logs.store->create_group("mine", {}));
  for (const auto* stream : {"old", "both"}) {
    REQUIRE(logs.store->create_stream("mine", stream));
    REQUIRE(logs.store->put("mine", stream, {{kNow - 3 * kDay, 0, "old"}}));
  }
  REQUIRE(logs.store->put("mine", "both", {{kNow - kDay, 0, "new"}}));
  REQUIRE(logs.store->set_retention("mine", 3));
  logs.store->drop_expired();
  CHECK(messages(*logs.store, "mine", "old") == Names{"old"});
  logs.clock.at += milliseconds{1};
  CHECK(messages(*logs.store, "mine", "old").empty());
  CHECK(messages(*logs.store, "mine", "both") == Names{"new"});
  REQUIRE(logs.store->set_retention("mine", {}));
  CHECK(messages(*logs.store, "mine", "old") == Names{"old"});

  REQUIRE(logs.store->set_retention("mine", 3));
  REQUIRE(logs.store->set_retention(kTrainings, 1));
  logs.store->drop_expired();
  REQUIRE(logs.store->set_retention("mine", {}));
  REQUIRE(logs.store->set_retention(kTrainings, {}));
  CHECK(messages(*logs.store, "mine", "old").empty());
  CHECK_FALSE(logs.store->facts("mine", "old")->last_event_ms);
  CHECK(logs.store->facts("mine", "old")->created_ms == kNow);
  CHECK(messages(*logs.store, "mine", "both") == Names{"old", "new"});
  // The stream of a training still knows which batches it has had.
  CHECK(logs.messages().empty());
  logs.restart();
  REQUIRE(logs.append(1, 5, {"ancient"}));
  CHECK(logs.messages().empty());
  REQUIRE(logs.append(1, 6, {"next"}));
  CHECK(logs.messages() == Names{"next"});
}

TEST_CASE("a sweeper sweeps by itself and ends when it is told to") {
  Fixture logs;
  REQUIRE(logs.store->create_group("mine", {}));
  REQUIRE(logs.store->create_stream("mine", "old"));
  REQUIRE(logs.store->put("mine", "old", {{kNow - 3 * kDay, 0, "old"}}));
  REQUIRE(logs.store->set_retention("mine", 1));
  {
    const LogSweeper sweeper(*logs.store, hours{24});
    while (logs.store->facts("mine", "old")->last_event_ms) std::this_thread::yield();
  }
  CHECK(messages(*logs.store, "mine", "old").empty());
}
