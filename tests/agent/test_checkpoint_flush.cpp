#include "agent/checkpoint_world.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

// An attempt with one good generation behind it.
Attempt& with_good(Attempt& attempt) {
  attempt.rename_in("model", "good");
  REQUIRE(attempt.settle() == generation(1, 1));
  return attempt;
}

}  // namespace

TEST_CASE("a program that ended by itself leaves nothing behind") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.write("model", "written at the very end");
  const auto flushed = attempt.flush(false);
  CHECK(flushed.outcome == FlushOutcome::saved);
  CHECK(flushed.generation == generation(1, 2));
  CHECK(flushed.bytes_left_behind == 0);
  CHECK(Attempt(world, 2).files() == attempt.files());
  CHECK(world.plain_view() == attempt.files());
}

TEST_CASE("a half-written file closed by the kill is never part of a generation") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.write("model", "half of someth");  // its close comes with the death
  const auto flushed = attempt.flush(true);
  CHECK(flushed.outcome == FlushOutcome::partial);
  CHECK(flushed.generation == generation(1, 1));
  CHECK(flushed.bytes_left_behind == 14);
  CHECK_FALSE(flushed.why.empty());
  CHECK(Attempt(world, 2).files() == Files{{"model", "good"}});
}

TEST_CASE("a file open when last looked is torn, however long ago its last write was") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.write("model", "half");
  attempt.hold_open("model", true);
  attempt.step(seconds{1});
  attempt.step(seconds{20});
  attempt.open.emplace();  // the death closed it
  CHECK(attempt.flush(true).outcome == FlushOutcome::partial);
  CHECK(Attempt(world, 2).files() == Files{{"model", "good"}});
}

TEST_CASE("the close that the death brings is noticed before the death itself, and not believed") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.write("model", "half");
  attempt.step(seconds{1});  // reads the close, knowing of no death
  world.clock.advance(milliseconds{400});
  CHECK(attempt.flush(true, milliseconds{390}).outcome == FlushOutcome::partial);
}

TEST_CASE("what had settled before the kill is saved after it") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  world.store.before = trouble("put", "data/");
  attempt.write("model", "settled but not yet stored");
  attempt.settle();
  world.store.before = nullptr;
  const auto flushed = attempt.flush(true);
  CHECK(flushed.outcome == FlushOutcome::saved);
  CHECK(flushed.generation == generation(1, 2));
  CHECK(Attempt(world, 2).files() == attempt.files());
}

TEST_CASE("one file renamed into place just before the kill is saved") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.rename_in("model", "complete");
  CHECK(attempt.flush(true).outcome == FlushOutcome::saved);
  CHECK(Attempt(world, 2).files() == Files{{"model", "complete"}});
}

TEST_CASE("a file renamed into place and then written to is not trusted") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.rename_in("model", "complete");
  attempt.write("model", "half");
  CHECK(attempt.flush(true).outcome == FlushOutcome::partial);
}

TEST_CASE("the first of two files of a checkpoint, renamed before the kill, does not make a generation") {
  World world;
  Attempt attempt(world, 1);
  attempt.rename_in("model", "model 1");
  attempt.rename_in("optimizer", "optimizer 1");
  REQUIRE(attempt.settle());
  attempt.rename_in("model", "model 2");
  CHECK(attempt.flush(true).outcome == FlushOutcome::partial);
  CHECK(Attempt(world, 2).files() == Files{{"model", "model 1"}, {"optimizer", "optimizer 1"}});
}

TEST_CASE("a kill when all is saved already is no loss") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  const auto flushed = attempt.flush(true);
  CHECK(flushed.outcome == FlushOutcome::saved);
  CHECK(flushed.generation == generation(1, 1));
}

TEST_CASE("after the deadline nothing more is begun") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.write("model", "too late");
  const auto now = world.clock.now();
  const auto flushed = attempt.sync->flush(now, ProgramEnd{now, false});
  CHECK(flushed.outcome == FlushOutcome::too_late);
  CHECK(flushed.generation == generation(1, 1));
  CHECK(flushed.bytes_left_behind == 8);
}

TEST_CASE("a deadline that passes during the uploads leaves the generation before") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.write("a", "a");
  attempt.write("b", "b");
  world.store.in_the_middle = [&](const std::string&) { world.clock.advance(minutes{2}); };
  CHECK(attempt.flush(false).outcome == FlushOutcome::too_late);
  CHECK(Attempt(world, 2).files() == Files{{"model", "good"}});
}

TEST_CASE("a store that fails now and then does not lose the last checkpoint") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.write("model", "last");
  int calls = 0;
  world.store.before = [&](std::string_view call, const std::string&) -> std::optional<Error> {
    if (call == "put" && ++calls % 2 == 1) return Error{Kind::try_again, "now and then"};
    return std::nullopt;
  };
  CHECK(attempt.flush(false).outcome == FlushOutcome::saved);
  world.store.before = trouble("put", "");
  attempt.write("model", "never");
  CHECK(attempt.flush(false).outcome == FlushOutcome::partial);
}

TEST_CASE("while the program runs a flush is a pass under the usual rules") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.write("model", "in the making");
  const auto deadline = world.clock.now() + seconds{60};
  CHECK(attempt.sync->flush(deadline, std::nullopt).outcome == FlushOutcome::partial);
  world.clock.advance(seconds{1});
  CHECK(attempt.sync->flush(deadline, std::nullopt).outcome == FlushOutcome::saved);
}

TEST_CASE(
    "what was still moving when the program was last seen alive is no checkpoint, however late its death is heard of") {
  World world;
  Attempt attempt(world, 1);
  const auto whole = attempt.save_two_parts();
  attempt.rename_in("part-0", "step 2");
  attempt.step(holdfast::seconds{1});
  attempt.open.reset();  // killed, before part-1
  world.clock.advance(minutes{1});
  CHECK(attempt.flush(true).outcome == FlushOutcome::partial);
  CHECK(attempt.sync->figures().last == whole);
}

TEST_CASE("what had rested before a long upload began is a checkpoint, though the program dies during it") {
  World world;
  Attempt attempt(world, 1);
  with_good(attempt);
  attempt.write("model", std::string(3'000'000, 'b'));
  attempt.step(holdfast::seconds{1});
  world.store.in_the_middle = [&](const std::string&) {
    attempt.open.reset();
    world.clock.advance(minutes{1});
  };
  attempt.step(holdfast::milliseconds{600});
  REQUIRE_FALSE(attempt.open);
  CHECK(attempt.flush(true).outcome == FlushOutcome::saved);
  CHECK(Attempt(world, 2).files() == attempt.files());
}
