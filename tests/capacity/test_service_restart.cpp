#include <signal.h>

#include <fstream>

#include "capacity/provider_fixture.hpp"

using namespace holdfast;
using namespace holdfast::capacity;

namespace {

// Until nothing of the process is left but what its parent has not collected.
void kill_and_wait(const ProcessIdentity& process) {
  ::kill(process.pid, SIGKILL);
  REQUIRE(eventually([&] { return !runs(process); }));
}

}  // namespace

TEST_CASE("an instance outlives the service, and the next one adopts it") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  local.stop();
  CHECK(runs(process));
  local.start();
  const auto leases = local.provider->list();
  REQUIRE(leases->size() == 1);
  CHECK(leases->front().job == JobName{"job"});
  CHECK(local.free_slots(true) == 3);

  local.provider->launch(Fixture::request(1));
  CHECK(local.events->wait<ports::InstanceUp>(Fence{1}).size() == 1);
  CHECK(local.process(1).pid == process.pid);

  ::kill(process.pid, SIGKILL);
  const auto gone = local.gone(1);
  REQUIRE(gone.size() == 1);
  CHECK_FALSE(gone[0].reclaimed);
}

TEST_CASE("an adopted instance can be released") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  local.start();
  local.provider->release(Fence{1});
  CHECK(local.gone(1).size() == 1);
  CHECK_FALSE(runs(process));
}

TEST_CASE("an instance that ended while the service was away is reported, and its fence is used up") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  local.stop();
  kill_and_wait(process);
  local.start();
  const auto gone = local.gone(1);
  REQUIRE(gone.size() == 1);
  CHECK_FALSE(gone[0].reclaimed);
  CHECK(gone[0].job == JobName{"job"});
  CHECK_FALSE(fs::exists(local.dir(1) / "assignment.json"));
  CHECK(local.provider->list()->empty());
  local.provider->launch(Fixture::request(1));
  CHECK(local.gone(1, 2).size() == 2);
  CHECK(local.events->count<ports::InstanceUp>() == 0);
}

TEST_CASE("an instance that ended after a notice while the service was away was reclaimed") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  REQUIRE(local.provider->interrupt(Fence{1}, hours{1}));
  REQUIRE(local.events->wait<ports::ReclaimNotice>(Fence{1}).size() == 1);
  local.stop();
  kill_and_wait(process);
  local.start();
  CHECK(local.gone(1)[0].reclaimed);
}

TEST_CASE("a deadline that passed while the service was away is carried out at its start") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  REQUIRE(local.provider->interrupt(Fence{1}, hours{1}));
  REQUIRE(local.events->wait<ports::ReclaimNotice>(Fence{1}).size() == 1);
  local.stop();
  CHECK(runs(process));
  local.clock.advance(hours{1});
  local.start();
  const auto gone = local.gone(1);
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].reclaimed);
  CHECK_FALSE(runs(process));
}

TEST_CASE("a deadline still to come holds for the next service too") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  REQUIRE(local.provider->interrupt(Fence{1}, hours{1}));
  REQUIRE(local.events->wait<ports::ReclaimNotice>(Fence{1}).size() == 1);
  local.start();
  local.nudge();
  CHECK(runs(process));
  local.clock.advance(hours{1});
  local.nudge();
  CHECK(local.gone(1)[0].reclaimed);
}

TEST_CASE("another process with the same pid is not taken for the agent") {
  Fixture local;
  local.start();
  const auto process = local.launch(1);
  local.stop();
  auto older = process;
  SUBCASE("by its start time") { older.start_time -= 1; }
  SUBCASE("by the boot") { older.boot_id = "another"; }
  REQUIRE(write_file_atomically(local.dir(1) / kProcessFile, process_to_json(older)));
  local.start();
  CHECK(local.gone(1).size() == 1);
  CHECK(local.provider->list()->empty());
  local.provider->release(Fence{1});
  CHECK(local.gone(1, 2).size() == 2);
  CHECK(runs(process));
  kill_and_wait(process);
}

TEST_CASE("half a launch of an earlier service is cleared away, and the launch may come again") {
  Fixture local;
  fs::create_directories(local.dir(1));
  std::ofstream(local.dir(1) / "assignment.json") << "half";
  fs::create_directories(local.dir(2));
  local.start();
  CHECK(local.provider->list()->empty());
  CHECK_FALSE(fs::exists(local.dir(1)));
  const auto process = local.launch(1);
  CHECK(runs(process));
  CHECK(read_file(local.dir(1) / "assignment.json", 100) == std::string("secret"));
}

TEST_CASE("an agent whose place is taken already does not start") {
  Fixture local;
  fs::create_directories(local.dir(1));
  std::ofstream(local.dir(1) / kProcessFile) << "";
  const auto started = start_detached({"/bin/sh", "-c", "touch \"$0/ran\"", local.dir(1).string()}, local.dir(1));
  REQUIRE_FALSE(started);
  CHECK(started.error().message == "starting /bin/sh: claiming process.json: File exists");
  CHECK_FALSE(fs::exists(local.dir(1) / "ran"));
}

TEST_CASE("files that are no instances are left alone") {
  Fixture local;
  fs::create_directories(local.options.directory / "notes");
  std::ofstream(local.options.directory / "i-1") << "x";
  local.start();
  local.nudge();
  CHECK(fs::exists(local.options.directory / "notes"));
  CHECK(fs::exists(local.options.directory / "i-1"));
}
