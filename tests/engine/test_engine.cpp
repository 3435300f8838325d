// The engine over the real SQLite store, a clock that stands still and a provider that obeys the test.
#include <doctest/doctest.h>

#include <memory>

#include "engine/engine.hpp"
#include "engine/fake_provider.hpp"
#include "sim/forwarding_store.hpp"
#include "store/sqlite_store.hpp"
#include "support/manual_clock.hpp"

using namespace holdfast;
using holdfast::testing::FakeProvider;
using holdfast::testing::ManualClock;

namespace {

// Says no to commits on demand.
class FaultyStore final : public sim::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  bool full = false;
  int commits = 0;

  Result<void> commit(const ports::Batch& batch) override {
    if (full) return fail(Kind::no_space, "database: the disk is full");
    ++commits;
    return ForwardingStore::commit(batch);
  }
};

struct World {
  ManualClock clock;
  std::unique_ptr<ports::JobStore> database = std::move(*store::open_sqlite_store(":memory:"));
  FaultyStore store{*database};
  FakeProvider provider;
  std::unique_ptr<engine::Engine> engine;

  World() { start(); }
  // What kill -9 leaves: the database and the instances.
  void crash_and_restart() {
    engine.reset();
    start();
  }
  void start() {
    engine = std::make_unique<engine::Engine>(clock, store, provider,
                                              [](const job::JobSpec&, Instant, Fence) { return std::string("{}"); });
    REQUIRE(engine->recover());
    provider.on_event([this](ports::CapacityEvent event) { engine->on_capacity_event(std::move(event)); });
    engine->run_until_idle();
  }
  Result<void> create(const std::string& name, Duration max_runtime = hours{1}, const std::string& checkpoints = "",
                      Fence newest_in_ledger = {}) {
    auto spec = std::make_shared<job::JobSpec>();
    spec->name = JobName{name};
    spec->instance_type = "ml.m5.large";
    spec->spot = true;
    spec->max_runtime = max_runtime;
    spec->max_wait = hours{2};
    if (!checkpoints.empty()) spec->checkpoint = job::Checkpoint{.s3_uri = checkpoints};
    Result<void> answer = fail(Kind::permanent, "no answer");
    engine->create({spec, {"{}", {}}, newest_in_ledger}, [&](Result<void> result) { answer = std::move(result); });
    engine->run_until_idle();
    return answer;
  }
  Result<engine::Receipt> submit(const std::string& name, job::Event event) {
    Result<engine::Receipt> answer = fail(Kind::permanent, "no answer");
    engine->submit(JobName{name}, {std::move(event)},
                   [&](Result<engine::Receipt> result) { answer = std::move(result); });
    engine->run_until_idle();
    return answer;
  }
  void go(Duration duration) {
    clock.advance(duration);
    engine->run_until_idle();
  }
  void up(Fence fence) {
    provider.up(fence);
    engine->run_until_idle();
  }
  void gone(Fence fence, bool reclaimed) {
    provider.gone(fence, reclaimed);
    engine->run_until_idle();
  }
  void train(const std::string& name, Fence fence) {
    up(fence);
    REQUIRE(submit(name, job::AgentStarted{fence}));
    REQUIRE(submit(name, job::ProgramStarted{fence, std::nullopt}));
  }
  std::string status(const std::string& name) {
    return to_string(job::secondary_status(store.find(JobName{name})->job));
  }
};

constexpr Fence kFirst{1}, kSecond{2};

}  // namespace

TEST_CASE("a job that is accepted is stored, gets an instance and a name only once") {
  World world;
  REQUIRE(world.create("a"));
  REQUIRE(world.provider.launches.size() == 1);
  CHECK(world.provider.launches[0].job.value == "a");
  CHECK(world.provider.launches[0].fence == kFirst);
  const auto again = world.create("a");
  REQUIRE(!again);
  CHECK(again.error().kind == Kind::conflict);
}

TEST_CASE("a place for checkpoints belongs to one job until that is over") {
  World world;
  REQUIRE(world.create("a", hours{1}, "s3://b/one/"));
  const auto same = world.create("b", hours{1}, "s3://b/one");
  REQUIRE_FALSE(same);
  CHECK(same.error().kind == Kind::invalid);
  CHECK(same.error().message.find("'a', which is not over, keeps its checkpoints at s3://b/one:") != std::string::npos);
  CHECK(world.create("b", hours{1}, "s3://b/one/below"));
  CHECK(world.create("c"));
  CHECK(world.create("d"));
  REQUIRE(world.submit("a", job::StopRequested{}));
  CHECK(world.create("e", hours{1}, "s3://b/one"));
}

TEST_CASE("attempts come after all that the ledger of their checkpoints knows, also after a restart") {
  World world;
  world.provider.slots = 3;
  REQUIRE(world.create("a", hours{1}, "s3://b/one", Fence{17}));
  REQUIRE(world.provider.launches.size() == 1);
  CHECK(world.provider.launches[0].fence == Fence{18});
  REQUIRE(world.create("b", hours{1}, "s3://b/two", Fence{3}));
  CHECK(world.provider.launches.back().fence == Fence{19});
  world.crash_and_restart();
  REQUIRE(world.create("c"));
  CHECK(world.provider.launches.back().fence == Fence{20});
}

TEST_CASE("no answer and no launch before the commit: a full disk refuses the job and leaves no trace of it") {
  World world;
  world.store.full = true;
  const auto refused = world.create("a");
  REQUIRE(!refused);
  CHECK(refused.error().kind == Kind::no_space);
  CHECK(world.provider.launches.empty());
  CHECK(world.engine->live_jobs() == 0);
  world.store.full = false;
  world.go(engine::kStoreRetryAfter);
  CHECK(world.create("a"));
}

TEST_CASE("a name is not taken by a job that could not be stored") {
  World world;
  world.store.full = true;
  std::vector<Kind> answers;
  for (int i = 0; i < 2; ++i) {
    auto spec = std::make_shared<job::JobSpec>();
    spec->name = JobName{"a"};
    world.engine->create({spec, {"{}", {}}},
                         [&](const Result<void>& answer) { answers.push_back(answer.error().kind); });
  }
  world.engine->run_until_idle();
  CHECK(answers == std::vector{Kind::no_space, Kind::no_space});
}

TEST_CASE("what a provider says while the disk is full is heard again when it is not") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  world.store.full = true;
  world.gone(kFirst, true);
  CHECK(world.status("a") == "Training");
  world.store.full = false;
  world.go(engine::kStoreRetryAfter);
  CHECK(world.provider.launches.size() == 2);
}

TEST_CASE("a restart finds the running attempt and changes nothing") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  world.crash_and_restart();
  world.go(engine::kReconcileEvery);
  world.go(engine::kReconcileEvery);
  CHECK(world.status("a") == "Training");
  CHECK(world.provider.launches.size() == 1);
  CHECK(world.provider.releases.empty());
  REQUIRE(world.submit("a", job::ProgramEnded{kFirst}));
  REQUIRE(world.submit("a", job::AttemptEnded{kFirst, job::Outcome::succeeded, ""}));
  CHECK(world.status("a") == "Completed");
  CHECK(world.provider.releases == std::vector{kFirst});
}

TEST_CASE("a launch that was committed but perhaps never sent is sent again after a restart, with the same fence") {
  World world;
  REQUIRE(world.create("a"));
  REQUIRE(world.provider.launches.size() == 1);
  world.crash_and_restart();
  REQUIRE(world.provider.launches.size() == 2);
  CHECK(world.provider.launches[1].fence == kFirst);
  world.up(kFirst);
  world.crash_and_restart();
  CHECK(world.provider.launches.size() == 2);
}

TEST_CASE("a program that began just before the service went away for long is heard before its launch is given up") {
  World world;
  REQUIRE(world.create("a"));
  world.up(kFirst);
  // The agent starts its program and cannot say so: nobody is there.
  world.engine.reset();
  world.clock.advance(2 * job::kLaunchTimeout);
  world.start();
  REQUIRE(world.provider.releases.empty());
  world.go(engine::kHearAgentsFor - seconds{1});
  REQUIRE(world.submit("a", job::AgentStarted{kFirst}));
  REQUIRE(world.submit("a", job::ProgramStarted{kFirst, std::nullopt}));
  world.go(engine::kHearAgentsFor);
  CHECK(world.status("a") == "Training");
  CHECK(world.provider.releases.empty());
}

TEST_CASE("a program that ended while the service was away has completed, though MaxRuntime is over by now") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  world.engine.reset();
  world.clock.advance(hours{1} + minutes{30});
  world.start();
  REQUIRE(world.submit("a", job::ProgramEnded{kFirst}));
  REQUIRE(world.submit("a", job::AttemptEnded{kFirst, job::Outcome::succeeded, ""}));
  CHECK(world.status("a") == "Completed");
}

TEST_CASE("MaxRuntime holds for a program that ran through an absence of the service") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  world.engine.reset();
  world.clock.advance(hours{1} + minutes{30});
  world.start();
  world.go(engine::kHearAgentsFor);
  CHECK(world.status("a") == "Stopping");
}

TEST_CASE("limits of an attempt that began after a start are kept at once") {
  World world;
  REQUIRE(world.create("before", seconds{10}));
  world.train("before", kFirst);
  world.crash_and_restart();
  REQUIRE(world.create("after", seconds{10}));
  world.train("after", kSecond);
  world.go(seconds{10});
  CHECK(world.status("after") == "Stopping");
  CHECK(world.status("before") == "Training");
  world.go(engine::kHearAgentsFor - seconds{10});
  CHECK(world.status("before") == "Stopping");
}

TEST_CASE("a launch that stays silent after a restart is given up") {
  World world;
  REQUIRE(world.create("a"));
  world.engine.reset();
  world.clock.advance(2 * job::kLaunchTimeout);
  world.start();
  CHECK(world.provider.releases.empty());
  world.go(engine::kHearAgentsFor);
  REQUIRE(!world.provider.releases.empty());
  CHECK(world.provider.releases.front() == kFirst);
}

TEST_CASE("a clock that is set back after a start holds up no limit for longer than agents need to be heard") {
  World world;
  REQUIRE(world.create("a"));
  world.engine.reset();
  world.clock.advance(2 * job::kLaunchTimeout);
  world.start();
  world.go(-job::kLaunchTimeout / 2);
  world.go(engine::kHearAgentsFor);
  REQUIRE(!world.provider.releases.empty());
  CHECK(world.provider.releases.front() == kFirst);
}

TEST_CASE("a release is repeated until the provider says that the instance is gone") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  REQUIRE(world.submit("a", job::AttemptEnded{kFirst, job::Outcome::succeeded, ""}));
  CHECK(world.provider.releases.size() == 1);
  world.crash_and_restart();
  CHECK(world.provider.releases.size() >= 2);
  world.gone(kFirst, false);
  const auto so_far = world.provider.releases.size();
  world.crash_and_restart();
  world.go(engine::kEffectRetryEvery);
  CHECK(world.provider.releases.size() == so_far);
}

TEST_CASE("fences grow over restarts") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  world.crash_and_restart();
  world.gone(kFirst, true);
  REQUIRE(world.provider.launches.size() == 2);
  CHECK(world.provider.launches[1].fence == kSecond);
}

TEST_CASE("jobs wait for a slot in the order in which they came") {
  World world;
  world.provider.slots = 1;
  REQUIRE(world.create("first"));
  world.clock.advance(milliseconds{1});
  REQUIRE(world.create("second"));
  world.clock.advance(milliseconds{1});
  REQUIRE(world.create("third"));
  CHECK(world.provider.launches.size() == 1);
  world.train("first", kFirst);
  REQUIRE(world.submit("first", job::AttemptEnded{kFirst, job::Outcome::succeeded, ""}));
  world.gone(kFirst, false);
  REQUIRE(world.provider.launches.size() == 2);
  CHECK(world.provider.launches[1].job.value == "second");
}

TEST_CASE("MaxWait is reached on time, across a restart") {
  World world;
  world.provider.slots = 0;
  REQUIRE(world.create("a"));
  world.crash_and_restart();
  CHECK(world.engine->next_wakeup() <= world.clock.now() + hours{2});
  world.go(hours{2} - milliseconds{1});
  CHECK(world.status("a") == "Starting");
  world.go(milliseconds{1});
  CHECK(world.status("a") == "MaxWaitTimeExceeded");
}

TEST_CASE(
    "an agent hears of a stop at once, of nothing when there is nothing, and is abandoned when another took over") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  std::vector<engine::Order> heard;
  const auto ask = [&](Fence fence, engine::Order known) {
    world.engine->wait_for_order(JobName{"a"}, fence, known, [&](engine::Order order) { heard.push_back(order); });
    world.engine->run_until_idle();
  };
  ask(kFirst, engine::Order::go_on);
  CHECK(heard.empty());
  REQUIRE(world.submit("a", job::StopRequested{}));
  CHECK(heard == std::vector{engine::Order::stop});

  heard.clear();
  REQUIRE(world.create("b"));
  world.train("b", kSecond);
  world.engine->wait_for_order(JobName{"b"}, kSecond, engine::Order::go_on,
                               [&](engine::Order o) { heard.push_back(o); });
  world.engine->run_until_idle();
  world.go(engine::kMaxOrderWait);
  CHECK(heard == std::vector{engine::Order::go_on});

  heard.clear();
  ask(Fence{1}, engine::Order::stop);
  CHECK(heard.empty());
  world.gone(kFirst, true);  // ends the stopping job
  CHECK(heard == std::vector{engine::Order::abandon});
}

TEST_CASE("an agent that this database does not know is never told to give up") {
  World world;
  std::vector<engine::Order> heard;
  world.engine->wait_for_order(JobName{"elsewhere"}, Fence{9}, engine::Order::go_on,
                               [&](engine::Order order) { heard.push_back(order); });
  world.engine->run_until_idle();
  world.go(engine::kMaxOrderWait);
  CHECK(heard == std::vector{engine::Order::go_on});
}

TEST_CASE("a silent agent is taken for lost only after a silence that we lived through") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  world.go(hours{1} - minutes{1});  // the laptop slept: one tick
  CHECK(world.status("a") == "Training");
  World other;
  REQUIRE(other.create("a"));
  other.train("a", kFirst);
  for (int i = 0; i < 40; ++i) other.go(engine::kReconcileEvery);
  REQUIRE(!other.provider.releases.empty());
  CHECK(other.provider.releases.front() == kFirst);
  CHECK(other.provider.launches.back().fence == kSecond);
}

TEST_CASE("an instance that vanished without a word is noticed, and one that nobody wants is released") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  world.provider.instances.erase(kFirst);
  world.provider.instances[Fence{1}] = {Fence{1}, JobName{"stranger"}, InstanceId{"x"}};
  world.go(engine::kReconcileEvery);
  CHECK(world.provider.releases == std::vector{Fence{1}});
  world.provider.instances.clear();
  const auto ticks = engine::kMissingFor / engine::kReconcileEvery;
  for (int i = 0; i < ticks; ++i) world.go(engine::kReconcileEvery);
  CHECK(world.provider.launches.size() == 1);
  world.go(engine::kReconcileEvery);
  CHECK(world.status("a") == "Interrupted");
  world.go(job::kBackoffMost);
  CHECK(world.provider.launches.back().fence == kSecond);
}

TEST_CASE("an instance that its provider forgets for a while, again and again, is there") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  const auto there = world.provider.instances;
  for (Duration so_far{0}; so_far < 2 * engine::kMissingFor; so_far += engine::kReconcileEvery) {
    const bool forgets = so_far.count() / engine::kReconcileEvery.count() % 6 != 0;
    world.provider.instances = forgets ? decltype(there){} : there;
    world.engine->wait_for_order(JobName{"a"}, kFirst, engine::Order::go_on, [](engine::Order) {});
    world.go(engine::kReconcileEvery);
  }
  CHECK(world.status("a") == "Training");
  CHECK(world.provider.launches.size() == 1);
}

TEST_CASE("an event that comes in the moment of a limit, and leaves nothing for the limit to do, is no bug") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  const auto deadline = world.clock.now() + seconds{30};
  REQUIRE(world.submit("a", job::NoticeReceived{kFirst, deadline}));
  world.clock.set(deadline + job::kReclaimSlack);
  world.gone(kFirst, true);
  CHECK(world.provider.launches.back().fence == kSecond);
}

TEST_CASE("what could not be committed has released no instance") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  world.store.full = true;
  world.clock.advance(engine::kReconcileEvery);
  // In one batch with the reconciliation, which sees the instance still there.
  world.provider.sink(ports::InstanceGone{kFirst, JobName{"a"}, true, "test"});
  world.engine->run_until_idle();
  CHECK(world.provider.releases.empty());
}

TEST_CASE("a clock that is set back holds nothing up") {
  World world;
  REQUIRE(world.create("a"));
  world.train("a", kFirst);
  REQUIRE(world.submit("a", job::AttemptEnded{kFirst, job::Outcome::succeeded, ""}));
  const auto so_far = world.provider.releases.size();
  world.go(-hours{1});
  CHECK(world.engine->next_wakeup() <= world.clock.now() + engine::kReconcileEvery);
  world.go(engine::kEffectRetryEvery);
  CHECK(world.provider.releases.size() > so_far);
}

TEST_CASE("a capacity event of a job that has ended releases the instance") {
  World world;
  REQUIRE(world.create("a"));
  REQUIRE(world.submit("a", job::StopRequested{}));
  CHECK(world.status("a") == "Stopped");
  world.provider.releases.clear();
  world.up(kFirst);
  CHECK(world.provider.releases == std::vector{kFirst});
}

TEST_CASE("many creations at once are one commit") {
  World world;
  int accepted = 0;
  const int before = world.store.commits;
  for (int i = 0; i < 100; ++i) {
    auto spec = std::make_shared<job::JobSpec>();
    spec->name = JobName{fmt::format("job-{}", i)};
    world.engine->create({spec, {"{}", {}}}, [&](Result<void> result) { accepted += result ? 1 : 0; });
  }
  world.engine->run_until_idle();
  CHECK(accepted == 100);
  CHECK(world.store.commits - before <= 3);
}

namespace {

Result<void> remove(World& world, const std::string& name) {
  Result<void> answer = fail(Kind::permanent, "no answer");
  world.engine->remove(JobName{name}, [&](Result<void> result) { answer = std::move(result); });
  world.engine->run_until_idle();
  return answer;
}

}  // namespace

TEST_CASE("a job is removed only when it has ended and its instance is gone; then its name is free") {
  World world;
  REQUIRE(world.create("a"));
  CHECK(remove(world, "nobody").error().kind == Kind::not_found);
  CHECK(remove(world, "a").error().kind == Kind::conflict);
  world.train("a", kFirst);
  REQUIRE(world.submit("a", job::ProgramEnded{kFirst}));
  REQUIRE(world.submit("a", job::AttemptEnded{kFirst, job::Outcome::succeeded, ""}));
  CHECK(world.status("a") == "Completed");
  CHECK(remove(world, "a").error().message.find("still being released") != std::string::npos);
  world.gone(kFirst, false);
  world.store.full = true;
  CHECK(remove(world, "a").error().kind == Kind::no_space);
  world.store.full = false;
  world.go(engine::kStoreRetryAfter);
  CHECK(world.status("a") == "Completed");
  REQUIRE(remove(world, "a"));
  world.crash_and_restart();
  CHECK(world.store.find(JobName{"a"}).error().kind == Kind::not_found);
  REQUIRE(world.create("a"));
  CHECK(world.provider.launches.back().fence == kSecond);  // fences stay used
}

TEST_CASE("a removal and the creation of the same name never share a commit") {
  World world;
  world.provider.slots = 0;
  REQUIRE(world.create("a"));
  std::string answers;
  const auto note = [&](const char* what) {
    return [&answers, what](const Result<void>& result) { answers += what + std::string(result ? "+ " : "- "); };
  };
  // All at once, as one batch would take them: the stop is committed before the removal is looked at.
  world.engine->submit(JobName{"a"}, {job::StopRequested{}}, [](const Result<engine::Receipt>&) {});
  world.engine->remove(JobName{"a"}, note("removed"));
  auto spec = std::make_shared<job::JobSpec>(*world.store.find(JobName{"a"})->job.spec);
  world.engine->create({spec, {"{}", {}}}, note("created"));
  world.engine->run_until_idle();
  CHECK(answers == "created- removed+ ");
  CHECK(world.create("a"));
}

TEST_CASE("changes to what came with a job follow one another, and a full disk refuses them") {
  World world;
  REQUIRE(world.create("a"));
  const auto add = [&](const std::string& key, const engine::DoneReply& reply) {
    const auto change = [key](const ports::StoredJob& stored) -> Result<ports::Origin> {
      if (key == "bad") return fail(Kind::invalid, "not this");
      ports::Origin origin = stored.origin;
      origin.tags.emplace_back(key, "");
      return origin;
    };
    world.engine->amend(JobName{"a"}, change, reply);
  };
  std::vector<std::string> answers;
  const auto reply = [&](const Result<void>& result) { answers.push_back(result ? "" : result.error().message); };
  add("x", reply);
  add("y", reply);
  add("bad", reply);
  world.engine->run_until_idle();
  CHECK(answers == std::vector<std::string>{"", "", "not this"});
  CHECK(world.store.find(JobName{"a"})->origin.tags == ports::Tags{{"x", ""}, {"y", ""}});
  world.store.full = true;
  add("z", reply);
  world.engine->run_until_idle();
  CHECK(answers.back().find("disk is full") != std::string::npos);
  CHECK(world.store.find(JobName{"a"})->origin.tags.size() == 2);
}
