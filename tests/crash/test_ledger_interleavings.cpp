// An attempt that saves and the one that takes over from it, each asleep at every operation in turn while the other
// goes on: all ways in which two switches can divide their work.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "crash/checkpointing.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

// Of two threads exactly one runs; so nothing here depends on timing.
class Baton {
 public:
  void wait_for(int turn) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == turn; });
  }
  void give_to(int turn) {
    {
      const std::lock_guard lock(mutex_);
      turn_ = turn;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int turn_ = 0;
};

struct Part {
  CheckpointAttempt* attempt = nullptr;
  std::size_t sleeps_at = 0;
  std::function<void()> act;
};

// The first up to its sleep, the second up to its own, the first to its end, the second to its end.
void take_turns(const Part& first, const Part& second) {
  Baton baton;
  bool second_is_done = false;
  const auto sleep = [&baton](int own) {
    return [&baton, own] {
      baton.give_to(1 - own);
      baton.wait_for(own);
    };
  };
  first.attempt->connection().arm({.at = first.sleeps_at, .done = false, .meanwhile = sleep(0)});
  second.attempt->connection().arm({.at = second.sleeps_at, .done = false, .meanwhile = sleep(1)});
  std::thread other([&] {
    baton.wait_for(1);
    second.act();
    second_is_done = true;
    baton.give_to(0);
  });
  first.act();
  if (!second_is_done) {
    baton.give_to(1);
    baton.wait_for(0);
  }
  other.join();
}

struct Operations {
  std::size_t saving = 0, starting = 0;
};

Operations tell(std::size_t save_sleeps_at, std::size_t start_sleeps_at, bool save_first) {
  CheckpointStory story;
  CheckpointAttempt old(story, {}, 2);
  REQUIRE(old.start());
  for (const auto* bytes : {"a1", "a2"}) {
    old.write("a", bytes);
    old.settle();
  }
  CheckpointAttempt next(story, {}, 2);
  Result<void> started = fail(Kind::permanent, "it never ran");
  const Part save{&old, save_sleeps_at, [&] {
                    old.write("a", "a3");
                    old.settle();
                  }};
  const Part start{&next, start_sleeps_at, [&] { started = next.start(); }};
  save_first ? take_turns(save, start) : take_turns(start, save);
  const Operations operations{old.connection().operations(), next.connection().operations()};
  REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
  check_restored(story, next);
  old.write("a", "a zombie's");
  old.settle();

  CheckpointAttempt last(story, {});
  REQUIRE(last.start());
  CHECK(last.restored().generation == next.adopted());
  CHECK(last.restored().quarantined.empty());
  CHECK(last.files() == next.files());
  return operations;
}

}  // namespace

TEST_CASE("however a last save and the next attempt's start are interleaved, what was told of is restored, for good") {
  const auto alone = tell(0, 0, true);
  std::size_t all = 0;
  for (std::size_t i = 1; i <= alone.saving; ++i) {
    for (std::size_t j = 1; j <= alone.starting; ++j) {
      for (const bool save_first : {true, false}) {
        CAPTURE(i);
        CAPTURE(j);
        CAPTURE(save_first);
        tell(i, j, save_first);
        ++all;
      }
    }
  }
  MESSAGE("ledger: " << all << " interleavings of " << alone.saving << " operations with " << alone.starting);
}
