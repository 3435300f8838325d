// The ways in which training frameworks write their checkpoints, made on a real directory and followed by the real
// CheckpointSync over a real store. Goal: whatever is interrupted, and whenever, each generation is a state that the
// framework goes on from; and a complete checkpoint becomes one soon. Method: every pattern of the table at two paces;
// a kill of the program, and one of the whole instance, after each of its calls.
#include <unistd.h>

#include <set>

#include "agent/checkpoint_world.hpp"
#include "runtime/processes.hpp"
#include "support/writer.hpp"
#include "support/writer_calls.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

// From the last call of a checkpoint to its commit, at most.
constexpr Duration kSoon{2000};
constexpr Duration kTraining{5000};

class Replay {
 public:
  Replay(const Pattern& pattern, Duration pace) : pattern_(pattern), pace_(pace) {
    attempt_ = std::make_unique<Attempt>(world_, 1);
    writer_ = std::make_unique<Writer>(attempt_->dir, world_.dir / "outside");
    note_state(true);
    for (const auto& call : calls_of(pattern_, pattern_.before, 0, plan_)) make(call);
  }

  std::vector<Call> calls(std::uint64_t number) { return calls_of(pattern_, pattern_.script, number, plan_); }

  void make(const Call& call) {
    writer_->perform(call);
    carry_out(call, contents_);
    note_state(call.safe);
    pass(std::max(pace_, call.pause));
  }

  // Time goes by, and the agent does what it does.
  void pass(Duration most) {
    const auto end = world_.clock.now() + most;
    for (;;) {
      // As an agent asks: the writer is this process.
      attempt_->open = runtime::files_open_for_writing({::getpid()});
      for (const auto& event : attempt_->step()) {
        const auto* committed = std::get_if<CheckpointCommitted>(&event);
        if (committed == nullptr) continue;
        CAPTURE(digest_of(visible(contents_)));
        CHECK_MESSAGE(safe_now_, "committed while a checkpoint was half written");
        committed_ = committed->id;
        committed_state_ = digest_of(visible(contents_));
      }
      if (world_.clock.now() >= end) return;
      world_.clock.set(std::min(end, std::max(attempt_->sync->next_wakeup(), world_.clock.now() + Duration{1})));
    }
  }

  bool is_saved() const { return committed_state_ == digest_of(visible(contents_)); }

  void program_dies() {
    writer_->die();
    attempt_->flush(true);
  }

  // On another instance.
  void judge_restore() {
    attempt_.reset();
    const Attempt next(world_, 2);
    CHECK(next.restored.quarantined.empty());
    const auto found = digest_of(visible(next.files()));
    CAPTURE(found);
    CHECK_MESSAGE(safe_.contains(found), "restored a checkpoint that was half written");
    if (committed_) {
      REQUIRE(next.restored.generation);
      CHECK(*next.restored.generation >= *committed_);
    }
  }

 private:
  void note_state(bool safe) {
    safe_now_ = safe;
    if (safe) safe_.insert(digest_of(visible(contents_)));
  }

  const Pattern& pattern_;
  const Duration pace_;
  World world_;
  std::unique_ptr<Attempt> attempt_;
  std::unique_ptr<Writer> writer_;
  Contents plan_, contents_;  // as far as calls were worked out, and made
  std::set<std::string> safe_;
  bool safe_now_ = true;
  std::optional<GenerationId> committed_;
  std::string committed_state_;
};

constexpr Duration kPaces[] = {Duration{0}, Duration{120}};

}  // namespace

TEST_CASE("every complete checkpoint of every framework is saved soon, and no incomplete one ever") {
  for (const auto& pattern : writer_patterns()) {
    for (const auto pace : kPaces) {
      INFO(std::string(pattern.name), ", ", pace.count(), " ms a call");
      Replay replay(pattern, pace);
      for (std::uint64_t number = 1; number <= 3; ++number) {
        for (const auto& call : replay.calls(number)) replay.make(call);
        replay.pass(kSoon);
        CHECK_MESSAGE(replay.is_saved(), "not committed");
        replay.pass(kTraining);
      }
      replay.judge_restore();
    }
  }
}

TEST_CASE("a kill after any call leaves a checkpoint that the framework goes on from") {
  std::size_t kills = 0;
  for (const auto& pattern : writer_patterns()) {
    for (const auto pace : kPaces) {
      bool done = false;
      for (std::size_t point = 0; !done; ++point, ++kills) {
        Replay replay(pattern, pace);
        for (const auto& call : replay.calls(1)) replay.make(call);
        replay.pass(kTraining);
        const auto calls = replay.calls(2);
        for (std::size_t i = 0; i < point && i < calls.size(); ++i) replay.make(calls[i]);
        done = point >= calls.size();
        // An instance that goes without a word leaves what was committed: every second time at the slower pace.
        const bool whole_instance = pace > Duration{0} && point % 2 == 1;
        if (!whole_instance) replay.program_dies();
        INFO(std::string(pattern.name), ", ", pace.count(), " ms a call, ",
             std::string(whole_instance ? "instance" : "program"), " killed after '",
             point == 0 ? std::string("nothing") : calls[std::min(point, calls.size()) - 1].text, "'");
        replay.judge_restore();
      }
    }
  }
  CHECK(kills > 400);
}

TEST_CASE("a checkpoint that seems never to be completed is waited for, spoken of, and saved in the end") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("checkpoint-1/model.safetensors", "weights");
  attempt.write("checkpoint-1/training_args.bin", "arguments");
  CHECK_FALSE(attempt.settle());
  CHECK_FALSE(attempt.settle(seconds{20}));
  REQUIRE(attempt.problems().size() == 1);
  CHECK(attempt.problems().front() ==
        "no checkpoint is saved until this one is complete, or 10 minutes are over: checkpoint-1: no new "
        "trainer_state.json yet");
  CHECK(attempt.settle(minutes{4}) == generation(1, 1));
  // From then on it is what it is, and the next one is saved at once.
  attempt.write("model.pt", "weights");
  CHECK(attempt.settle() == generation(1, 2));
}

TEST_CASE("a log that is never closed holds nothing up, and is saved with each checkpoint as it is then") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("runs/events.out.tfevents.1", "log");
  attempt.write("model.pt", "weights");
  attempt.hold_open("runs/events.out.tfevents.1", true);
  CHECK(attempt.settle() == generation(1, 1));
  CHECK(world.plain_view() == attempt.files());
  attempt.write("runs/events.out.tfevents.1", "log, and more of it");
  CHECK_FALSE(attempt.settle(seconds{20}));  // a line in a log is no checkpoint
  attempt.write("model.pt", "better weights");
  CHECK(attempt.settle() == generation(1, 2));
  CHECK(world.plain_view() == attempt.files());
}

TEST_CASE("a log that is written without a rest is recognised after ten seconds") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model.pt", "weights");
  std::string text;
  const auto goes_on = [&](Duration lasts) {
    std::optional<GenerationId> saved;
    for (const auto end = world.clock.now() + lasts; world.clock.now() < end;) {
      attempt.write("train.log", text += "a line\n");
      for (const auto& event : attempt.step(milliseconds{300})) {
        if (const auto* committed = std::get_if<CheckpointCommitted>(&event)) saved = committed->id;
      }
    }
    return saved;
  };
  CHECK_FALSE(goes_on(seconds{9}));
  CHECK(goes_on(seconds{3}) == generation(1, 1));
  CHECK(world.plain_view().at("model.pt") == "weights");
  CHECK(world.plain_view().at("train.log").size() > 100);
  CHECK_FALSE(goes_on(seconds{60}));
  attempt.write("model.pt", "better weights");
  CHECK(goes_on(seconds{3}) == generation(1, 2));
  CHECK(attempt.problems().empty());
  // What is left of it comes with the end.
  CHECK(attempt.flush(false).outcome == FlushOutcome::saved);
  CHECK(world.plain_view() == attempt.files());
}

TEST_CASE("a file that never rests and has no name for it holds everything up, which is said soon") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model.pt", "weights");
  std::string text;
  for (const auto end = world.clock.now() + seconds{40}; world.clock.now() < end;) {
    attempt.write("state.bin", text += "more");
    for (const auto& event : attempt.step(milliseconds{300}))
      CHECK_FALSE(std::holds_alternative<CheckpointCommitted>(event));
  }
  REQUIRE(attempt.problems().size() == 1);
  CHECK(attempt.problems().front() ==
        "state.bin has been written for 30 s without a rest: no checkpoint is saved until it rests, or 10 minutes are "
        "over");
  CHECK(attempt.sync->figures().unrest_since.has_value());
}

TEST_CASE("a log that rests makes no generation of its own at once, and is not looked after without end") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model.pt", "weights");
  attempt.write("results.csv", "step,loss\n");
  CHECK(attempt.settle() == generation(1, 1));
  attempt.write("results.csv", "step,loss\n1,0.5\n");
  CHECK_FALSE(attempt.settle(seconds{2}));
  CHECK(attempt.sync->next_wakeup() > world.clock.now());
  // It may be all that a program keeps its results in.
  CHECK(attempt.settle(seconds{30}) == generation(1, 2));
  CHECK(world.plain_view() == attempt.files());
}

TEST_CASE("a line in a log does not shorten the wait for the file that was deleted") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model.pt", "weights");
  attempt.write("optimizer.pt", "moments");
  attempt.write("train.log", "begin\n");
  CHECK(attempt.settle() == generation(1, 1));
  attempt.write("train.log", "begin\na line\n");
  attempt.settle();
  fs::remove(attempt.dir / "model.pt");
  CHECK_FALSE(attempt.settle(seconds{2}));
  attempt.write("model.pt", "better weights");
  CHECK(attempt.settle() == generation(1, 2));
  CHECK(world.plain_view() == attempt.files());
}

TEST_CASE("a program that asks has its logs in the answer") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model.pt", "weights");
  attempt.write("results.csv", "1");
  CHECK(attempt.sync->commit_now().answer->generation == generation(1, 1));
  attempt.write("results.csv", "1,2");
  CHECK(attempt.sync->commit_now().answer->generation == generation(1, 2));
  CHECK(world.plain_view() == attempt.files());
}
