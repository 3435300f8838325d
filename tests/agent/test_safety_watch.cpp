// What a job's log and its figures say of the safety of its checkpoints, moment by moment.
#include "agent/safety_watch.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

#include "objects/file_store.hpp"
#include "ports/sources.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::agent;
using namespace holdfast::testing;
using checkpoint::AtNotice;

namespace {

constexpr std::uint64_t kMB = 1'000'000;

// One task, on the test's own thread: each time it waits, the next thing of the script happens.
class ScriptedTasks final : public Tasks {
 public:
  std::vector<std::function<void()>> script;

  std::unique_ptr<Task> start(std::function<void()> work) override {
    work_ = std::move(work);
    return std::make_unique<Task>();
  }
  std::unique_ptr<Signal> signal() override {
    class Turn final : public Signal {
     public:
      explicit Turn(ScriptedTasks& tasks) : tasks_(tasks) {}
      void ring() override {}
      void wait(std::optional<Duration>) override { tasks_.next(); }

     private:
      ScriptedTasks& tasks_;
    };
    return std::make_unique<Turn>(*this);
  }
  void run() { work_(); }

 private:
  void next() {
    REQUIRE(at_ < script.size());
    script[at_++]();
  }
  std::function<void()> work_;
  std::size_t at_ = 0;
};

struct World {
  TempDir dir;
  std::unique_ptr<objects::FileStore> files =
      objects::FileStore::open(dir / "objects", objects::Durability::process).value();
  ManualClock clock;
  ThreadTasks threads;
  ScriptedTasks tasks;
  // Takes its time for a put by the clock that stands still otherwise.
  class Link final : public ports::Source {
   public:
    Link(World& world, std::uint64_t bytes, Duration takes) : world_(world), bytes_(bytes), takes_(takes) {}
    std::uint64_t size() const override { return bytes_; }
    Result<void> read(std::uint64_t offset, std::span<char> into) override {
      if (offset == 0) world_.clock.advance(takes_);
      std::fill(into.begin(), into.end(), 'x');
      return {};
    }

   private:
    World& world_;
    std::uint64_t bytes_;
    Duration takes_;
  };
  PacedStore store{*files, clock, threads, 0};
  std::vector<std::string> lines;
  std::vector<ports::InstanceSample> samples;
  std::unique_ptr<SafetyWatch> watch;
  CheckpointFigures figures;

  explicit World(Capacity capacity) {
    REQUIRE(files->create_bucket("bucket"));
    SafetyOptions options;
    options.capacity = capacity;
    watch = std::make_unique<SafetyWatch>(
        tasks, clock, store, options, [this](const std::string& line) { lines.push_back(line); },
        [this](ports::InstanceSample sample) { samples.push_back(std::move(sample)); });
  }
  // The program writes; nothing of it is stored yet.
  void write(std::uint64_t bytes) {
    figures.bytes_at_risk += bytes;
    figures.bytes_to_upload += bytes;
    figures.written_bytes += bytes;
    if (!figures.dirty_since) figures.dirty_since = clock.ticks();
    watch->seen(figures);
  }
  void send(std::uint64_t bytes, Duration takes) {
    Link link(*this, bytes, takes);
    REQUIRE(store.put("bucket", "key", link));
    figures.bytes_to_upload -= bytes;
    watch->seen(figures);
  }
  void commit(Duration wrote, Duration safe_after, std::uint64_t bytes) {
    figures.bytes_at_risk = 0;
    figures.dirty_since.reset();
    figures.last = GenerationId{Fence{1}, 1};
    watch->seen(figures);
    watch->committed({{Fence{1}, 1}, 1, bytes, bytes, wrote, safe_after, milliseconds{600}});
  }
  double value(const std::string& name) const {
    for (const auto& [known, value] : samples.back().values)
      if (known == name) return value;
    return -1;
  }
};

}  // namespace

TEST_CASE("the log says once that checkpoints do not fit into the notice, and once that they do again") {
  World world({.notice = seconds{30}, .lifetime = {}});
  auto& script = world.tasks.script;
  const auto round = [&](std::uint64_t bytes, Duration takes) {
    script.push_back([&world, bytes, takes] {
      world.clock.advance(minutes{5});
      world.write(bytes);
      world.send(bytes, takes);
      world.commit(seconds{1}, takes + milliseconds{600}, bytes);
    });
  };
  round(10 * kMB, seconds{10});
  round(10 * kMB, seconds{10});
  round(40 * kMB, seconds{40});
  round(40 * kMB, seconds{40});
  round(10 * kMB, seconds{10});
  round(10 * kMB, seconds{10});
  script.push_back([&] { world.watch->stop(); });
  world.tasks.run();
  REQUIRE(world.lines.size() == 3);
  CHECK(world.lines[0] == "checkpoints: safe within 10.6 s of being written, and this capacity gives 30 s of notice");
  CHECK(world.lines[1].find("they take up to 40.6 s to be safe and this capacity gives 30 s of notice, 10.6 s too "
                            "little") != std::string::npos);
  CHECK(world.lines[1].find("uploads run at ") != std::string::npos);
  CHECK(world.lines[2].find("safe within 10.6 s") != std::string::npos);
}

TEST_CASE("figures tell the age, what is at risk, the rate, and how long until it is safe") {
  World world({.notice = seconds{120}, .lifetime = {}});
  world.tasks.script = {[&] {
                          world.write(10 * kMB);
                          world.send(10 * kMB, seconds{10});
                          world.commit(seconds{1}, seconds{11}, 10 * kMB);
                        },
                        [&] {
                          world.clock.advance(seconds{60});
                          world.write(20 * kMB);
                        },
                        [&] { world.watch->stop(); }};
  world.tasks.run();
  CHECK(world.value("CheckpointAge") == 60);
  CHECK(world.value("CheckpointBytesAtRisk") == 20 * kMB);
  CHECK(world.value("CheckpointUploadRate") == kMB);
  CHECK(world.value("CheckpointTimeToSafe") == doctest::Approx(20.6));
  CHECK_FALSE(world.watch->safe());
}

TEST_CASE("changes that nothing commits are said after ten minutes, with what to do") {
  World world({.notice = seconds{120}, .lifetime = {}});
  world.tasks.script = {[&] {
                          world.write(30 * kMB);
                          world.send(10 * kMB, seconds{10});
                        },
                        [&] { world.clock.advance(minutes{9}); }, [&] { world.clock.advance(minutes{1}); },
                        [&] { world.clock.advance(minutes{1}); }, [&] { world.watch->stop(); }};
  world.tasks.run();
  REQUIRE(world.lines.size() == 1);
  CHECK(world.lines[0].find(
            "nothing was committed for 10 min 10 s though the program wrote; 30.0 MB are not safe, there is "
            "no complete checkpoint of this attempt yet; uploads run at 1.0 MB/s; ask for a checkpoint "
            "of 30.0 MB every ") != std::string::npos);
}

TEST_CASE("a program that saves far too seldom for its market is told a better interval, once") {
  World world({.notice = seconds{120}, .lifetime = minutes{30}});
  for (int i = 0; i < 8; ++i) {
    world.tasks.script.push_back([&] {
      world.clock.advance(minutes{40});
      world.write(kMB);
      world.send(kMB, seconds{1});
      world.commit(seconds{20}, seconds{2}, kMB);
    });
  }
  world.tasks.script.push_back([&] { world.watch->stop(); });
  world.tasks.run();
  int told = 0;
  for (const auto& line : world.lines)
    told += line.find("Young/Daly: a save takes 20 s, an instance lasts 30 min") != std::string::npos;
  CHECK(told == 1);
}

TEST_CASE("at a notice, what is known decides") {
  World world({.notice = seconds{120}, .lifetime = {}});
  CHECK(world.watch->plan(seconds{100}).what == AtNotice::start_new);
  world.write(10 * kMB);
  world.send(10 * kMB, seconds{10});
  world.commit(seconds{2}, seconds{11}, 10 * kMB);
  world.tasks.script = {[&] { world.watch->stop(); }};
  world.tasks.run();
  CHECK(world.watch->save_takes() == seconds{2});
  world.write(10 * kMB);
  const auto plan = world.watch->plan(seconds{100});
  CHECK(plan.what == AtNotice::finish_first);
  CHECK(plan.hold == milliseconds{13'250});
  CHECK(world.watch->plan(seconds{5}).what == AtNotice::stand);
}
