#include <algorithm>

#include "agent/checkpoint_world.hpp"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("a quiet directory becomes a generation, and the next attempt has it") {
  World world;
  Attempt first(world, 1);
  CHECK_FALSE(first.restored.generation);
  first.write("model.bin", "weights");
  first.write("deep/er/optimizer.bin", "moments");
  CHECK(first.step().empty());
  CHECK(first.step(milliseconds{499}).empty());
  CHECK(first.settle() == generation(1, 1));
  const auto figures = first.sync->figures();
  CHECK(figures.last == generation(1, 1));
  CHECK(figures.bytes_at_risk == 0);
  CHECK(world.plain_view() == first.files());

  Attempt second(world, 2);
  CHECK(second.restored.generation == generation(1, 1));
  CHECK(second.restored.files == 2);
  CHECK(second.files() == first.files());
  CHECK_FALSE(second.settle());  // nothing new, nothing to commit
}

TEST_CASE("nothing is committed while the program holds a file open, or goes on writing") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("a", "1");
  attempt.hold_open("a", true);
  CHECK_FALSE(attempt.settle());
  attempt.hold_open("a", false);
  for (int i = 0; i < 10; ++i) {
    attempt.write("a", std::string(static_cast<std::size_t>(i), 'x'));
    CHECK(attempt.step(milliseconds{300}).empty());
  }
  CHECK(attempt.sync->figures().bytes_at_risk == 9);
  CHECK(attempt.settle() == generation(1, 1));
}

TEST_CASE("a file that changes while it is uploaded is stored anew, never half and half") {
  World world;
  Attempt attempt(world, 1);
  const std::string before(3'000'000, 'a'), after(3'000'000, 'b');
  attempt.write("model.bin", before);
  int uploads = 0;
  world.store.in_the_middle = [&](const std::string&) {
    if (++uploads == 1) attempt.write("model.bin", after);
  };
  CHECK(attempt.settle() == generation(1, 1));
  CHECK(uploads == 2);
  CHECK(Attempt(world, 2).files() == Files{{"model.bin", after}});
  CHECK(world.keys(world.own_key("data/")).size() == 1);  // the half one was taken away
}

TEST_CASE("a file replaced by rename while it is uploaded is stored anew") {
  World world;
  Attempt attempt(world, 1);
  const std::string before(3'000'000, 'a'), after(3'000'000, 'b');
  attempt.rename_in("model.bin", before);
  int uploads = 0;
  world.store.in_the_middle = [&](const std::string&) {
    if (++uploads == 1) attempt.rename_in("model.bin", after);
  };
  CHECK(attempt.settle() == generation(1, 2));  // the first as it was before
  CHECK(uploads == 2);
  CHECK(Attempt(world, 2).files() == Files{{"model.bin", after}});
}

TEST_CASE("a file that becomes shorter or vanishes while it is uploaded does no harm") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("stays", "s");
  attempt.write("shrinks", std::string(3'000'000, 'a'));
  attempt.write("vanishes", std::string(3'000'000, 'a'));
  int uploads = 0;
  world.store.in_the_middle = [&](const std::string&) {
    if (++uploads > 1) return;
    attempt.write("shrinks", "short");
    fs::remove(attempt.dir / "vanishes");
  };
  CHECK(attempt.settle() == generation(1, 1));
  CHECK(Attempt(world, 2).files() == Files{{"stays", "s"}, {"shrinks", "short"}});
}

TEST_CASE("a generation holds the files of one moment, though uploads take time") {
  World world;
  CheckpointSyncOptions options;
  options.copy_up_to = 0;
  Attempt attempt(world, 1, options);
  attempt.write("a", "old");
  attempt.write("b", "old");
  bool changed = false;
  world.store.in_the_middle = [&](const std::string&) {
    // While one is uploaded, both are written anew.
    if (std::exchange(changed, true)) return;
    attempt.write("a", "new");
    attempt.write("b", "new");
  };
  CHECK(attempt.settle() == generation(1, 1));
  CHECK(Attempt(world, 2).files() == Files{{"a", "new"}, {"b", "new"}});
}

TEST_CASE("what begins to change during the uploads is waited for") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("a", "old");
  bool changed = false;
  world.store.in_the_middle = [&](const std::string&) {
    if (!std::exchange(changed, true)) attempt.write("b", "comes with a");
  };
  attempt.step();
  CHECK(attempt.step(milliseconds{600}).empty());
  CHECK(changed);
  CHECK(attempt.settle() == generation(1, 1));
  CHECK(Attempt(world, 2).files().size() == 2);
}

TEST_CASE("unchanged files are not uploaded twice, not even by the next attempt") {
  World world;
  Attempt first(world, 1);
  first.write("big", "never changes");
  first.write("small", "1");
  REQUIRE(first.settle());
  first.write("small", "22");
  REQUIRE(first.settle());
  CHECK(world.store.uploaded.size() == 3);
  Attempt second(world, 2);
  second.write("small", "333");
  CHECK(second.settle() == generation(2, 2));
  CHECK(world.store.uploaded.size() == 4);
  CHECK(Attempt(world, 3).files() == Files{{"big", "never changes"}, {"small", "333"}});
}

TEST_CASE("deletions reach the plain view, but not what kept generations need") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("old", "o");
  attempt.write("new", "n");
  REQUIRE(attempt.settle());
  REQUIRE(world.files->put_bytes("bucket", "ckpt/job-1/by-hand", "h"));
  fs::remove(attempt.dir / "old");
  // Only taking away waits longer.
  CHECK_FALSE(attempt.settle());
  CHECK(attempt.settle(seconds{5}) == generation(1, 2));
  CHECK(world.plain_view() == Files{{"new", "n"}, {"by-hand", "h"}});
  world.flip_bit(world.own_key(checkpoint::manifest_name(generation(1, 2))));
  CHECK(Attempt(world, 2).files() == Files{{"new", "n"}, {"old", "o"}});
}

TEST_CASE("an emptied directory is not a checkpoint") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "m");
  REQUIRE(attempt.settle());
  fs::remove(attempt.dir / "model");
  CHECK_FALSE(attempt.settle(seconds{20}));
  CHECK(attempt.flush(false).outcome == FlushOutcome::saved);
  CHECK(Attempt(world, 2).files() == Files{{"model", "m"}});
}

TEST_CASE("old generations go with what only they needed") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("constant", "c");
  for (int i = 0; i < 6; ++i) {
    attempt.write("changing", std::string(static_cast<std::size_t>(i + 1), 'x'));
    REQUIRE(attempt.settle());
  }
  CHECK(world.keys(world.own_key("ledger/")).size() == 2 + 3);  // the opening, began anew, and three generations
  CHECK(world.keys(world.own_key("data/")).size() == 1 + 3);
  CHECK(Attempt(world, 2).files() == attempt.files());
}

TEST_CASE("what a restore put without an answer is not cleaned away before this attempt has committed") {
  World world;
  {
    Attempt first(world, 1);
    first.write("model", "m");
    REQUIRE(first.settle());
    Attempt second(world, 2);
    REQUIRE(second.restored.generation == generation(1, 1));
  }
  // Of the zombie. A second try had chosen it, and its put as 2-2 may still arrive.
  const auto object = checkpoint::data_name({Fence{1}, 9});
  REQUIRE(world.files->put_bytes("bucket", world.own_key(object), "zombie's"));
  fs::remove_all(world.dir / "instance-2");
  Attempt again(world, 2, {}, 3);
  REQUIRE(again.restored.generation == generation(2, 1));
  again.settle();
  CHECK(world.files->head("bucket", world.own_key(object)));
  again.write("model", "next");
  REQUIRE(again.settle() == generation(2, 3));
  CHECK_FALSE(world.files->head("bucket", world.own_key(object)));
}

TEST_CASE("the base of a running attempt stays however much it commits") {
  World world;
  Attempt(world, 1).write("model", "base");
  {
    Attempt first(world, 2);
    first.write("model", "base");
    REQUIRE(first.settle());
  }
  Attempt second(world, 3);
  REQUIRE(second.restored.generation == generation(2, 1));
  for (int i = 0; i < 5; ++i) {
    second.write("model", std::string(static_cast<std::size_t>(i + 1), 'x'));
    REQUIRE(second.settle());
  }
  CHECK(world.files->head("bucket", world.own_key(checkpoint::manifest_name(generation(2, 1)))));
}

TEST_CASE("excluded files, pipes and links that lead out are no part of a checkpoint, and are told of once") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "m");
  attempt.write("m.sagemaker-uploading", "x");
  attempt.write(".holdfast-notice", "x");
  attempt.link("absolute", "/etc/passwd");
  attempt.link("inside-but-absolute", attempt.dir / "model");
  attempt.link("sub/out", "../../elsewhere");
  attempt.link("perhaps-out", "sub/../model");
  REQUIRE(::mkfifo((attempt.dir / "fifo").c_str(), 0600) == 0);
  REQUIRE(attempt.settle());
  CHECK(world.plain_view() == Files{{"model", "m"}});
  CHECK(attempt.problems().size() == 5);
  REQUIRE_FALSE(attempt.settle());
  CHECK(attempt.problems().size() == 5);
  Attempt second(world, 2);
  CHECK(second.files() == Files{{"model", "m"}});
}

TEST_CASE("two thousand small files in nested folders are saved and restored") {
  World world;
  Attempt attempt(world, 1);
  for (int i = 0; i < 2000; ++i)
    attempt.write(fmt::format("d{}/e{}/f{}", i % 10, i % 7, i), fmt::format("contents {}", i));
  std::optional<GenerationId> committed;
  for (int i = 0; i < 200 && !committed; ++i) committed = attempt.settle();
  CHECK(committed == generation(1, 1));
  Attempt second(world, 2);
  CHECK(second.files().size() == 2000);
  CHECK(second.files() == attempt.files());
}

TEST_CASE("times and modes come back with the files") {
  World world;
  Attempt first(world, 1);
  first.write("run.sh", "#!/bin/sh\n");
  REQUIRE(::chmod((first.dir / "run.sh").c_str(), 0750) == 0);
  REQUIRE(first.settle());
  Attempt second(world, 2);
  struct stat before {
  }, after{};
  REQUIRE(::stat((first.dir / "run.sh").c_str(), &before) == 0);
  REQUIRE(::stat((second.dir / "run.sh").c_str(), &after) == 0);
  CHECK(after.st_mode == before.st_mode);
  CHECK(after.st_mtim.tv_sec == before.st_mtim.tv_sec);
  CHECK(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
}

TEST_CASE("trouble with the store is told and got over") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "m");
  for (const auto* part : {"data/", "ledger/"}) {
    world.store.before = trouble("put", part);
    CHECK_FALSE(attempt.settle(seconds{3}));
    CHECK_FALSE(attempt.problems().empty());
    CHECK(attempt.sync->next_wakeup() > world.clock.now());
  }
  world.store.before = nullptr;
  CHECK(attempt.settle(seconds{3}));
  CHECK(Attempt(world, 2).files() == attempt.files());
}

TEST_CASE("a key that may not remove anything has its checkpoints committed all the same, and is told once") {
  World world;
  Attempt attempt(world, 1);
  world.store.before = [](std::string_view call, const std::string&) -> std::optional<Error> {
    if (call != "remove") return std::nullopt;
    return Error{Kind::permanent, "this key may not remove objects"};
  };
  for (std::uint64_t step = 1; step <= 4; ++step) {
    attempt.write(fmt::format("step-{}", step), "model");
    if (step > 1) fs::remove(attempt.dir / fmt::format("step-{}", step - 1));
    CHECK(attempt.settle() == generation(1, step));
  }
  REQUIRE(attempt.problems().size() == 1);
  CHECK(attempt.problems()[0] == "bringing the plain files up to date: this key may not remove objects");
  // Made good as soon as it may.
  world.store.before = nullptr;
  attempt.step(seconds{11});
  CHECK(world.plain_view() == Files{{"step-4", "model"}});
  CHECK(Attempt(world, 2).files() == Files{{"step-4", "model"}});
}

TEST_CASE("a commit whose answer was lost counts, and its number is not used again") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "1");
  world.store.after = trouble("put", "ledger/");
  CHECK_FALSE(attempt.settle());
  world.store.after = nullptr;
  CHECK(Attempt(world, 2).restored.generation == generation(1, 1));
}

TEST_CASE("a lost answer does not stop later commits") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "1");
  world.store.after = trouble("put", "ledger/");
  CHECK_FALSE(attempt.settle());
  attempt.write("model", "22");
  world.store.after = nullptr;
  CHECK(attempt.settle(seconds{3}) == generation(1, 2));
  CHECK(Attempt(world, 2).files() == Files{{"model", "22"}});
}

TEST_CASE("a crash between upload and manifest leaves the generation before") {
  World world;
  {
    Attempt attempt(world, 1);
    attempt.write("model", "good");
    REQUIRE(attempt.settle());
    attempt.write("model", "never committed");
    world.store.before = trouble("put", "ledger/");
    CHECK_FALSE(attempt.settle());
    world.store.before = nullptr;
  }
  Attempt second(world, 2);
  CHECK(second.files() == Files{{"model", "good"}});
  CHECK(world.plain_view() == Files{{"model", "good"}});
  // The orphan goes with the next commit's clean-up.
  second.write("model", "next");
  REQUIRE(second.settle());
  CHECK(world.keys(world.own_key("data/")).size() == 2);
}

TEST_CASE("a crash between manifest and plain view is made good by the next attempt") {
  World world;
  {
    Attempt attempt(world, 1);
    attempt.write("model", "1");
    attempt.write("gone", "x");
    REQUIRE(attempt.settle());
    world.store.before = [](std::string_view call, const std::string&) -> std::optional<Error> {
      if (call == "copy" || call == "remove") return Error{Kind::try_again, "crashed"};
      return std::nullopt;
    };
    attempt.write("model", "2");
    fs::remove(attempt.dir / "gone");
    REQUIRE(attempt.settle() == generation(1, 2));
    world.store.before = nullptr;
  }
  CHECK(world.plain_view() == Files{{"model", "1"}, {"gone", "x"}});
  Attempt second(world, 2);
  second.step();
  CHECK(world.plain_view() == Files{{"model", "2"}});
}

TEST_CASE("what someone removed from the store is stored again before a manifest names it") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("a", "a");
  attempt.write("b", "b");
  REQUIRE(attempt.settle());
  for (const auto& key : world.keys(world.own_key("data/")))
    REQUIRE(world.files->remove("bucket", world.own_key("data/") + key));
  attempt.write("b", "bb");
  REQUIRE(attempt.settle() == generation(1, 2));
  CHECK(Attempt(world, 2).files() == Files{{"a", "a"}, {"b", "bb"}});
}

TEST_CASE("a full store is told as what it is") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "m");
  world.store.before = trouble("put", "data/", Kind::no_space);
  CHECK_FALSE(attempt.settle());
  REQUIRE_FALSE(attempt.problems().empty());
  CHECK(attempt.problems().front().find("uploading model") != std::string::npos);
}

TEST_CASE("a file that is written all the time does not keep the others from being saved for ever") {
  World world;
  CheckpointSyncOptions options;
  options.settle.restless_after = seconds{60};
  Attempt attempt(world, 1, options);
  attempt.write("model", "m");
  std::string text;
  bool committed = false;
  for (int i = 0; i < 400 && !committed; ++i) {
    attempt.write("state", text += "line\n");
    for (const auto& event : attempt.step(milliseconds{300}))
      committed |= std::holds_alternative<CheckpointCommitted>(event);
  }
  REQUIRE(committed);
  CHECK(world.plain_view() == Files{{"model", "m"}});
  CHECK(attempt.problems().size() == 2);
  CHECK(attempt.sync->figures().bytes_at_risk == text.size());
  CHECK(attempt.settle());
  CHECK(world.plain_view() == Files{{"model", "m"}, {"state", text}});
}

TEST_CASE("of a program that was killed nothing is committed without a file that it wrote all the time") {
  World world;
  CheckpointSyncOptions options;
  options.settle.restless_after = seconds{60};
  Attempt attempt(world, 1, options);
  std::string text;
  for (int i = 0; i < 400 && !attempt.sync->figures().last; ++i) {
    if (i == 0) attempt.write("model", "m");
    attempt.write("state", text += "line\n");
    attempt.step(milliseconds{300});
  }
  REQUIRE(attempt.sync->figures().last == generation(1, 1));
  // It is in the middle of its next save, with the store away: the model is there and rests, the state is half written.
  attempt.write("model", "m of the next");
  world.store.before = trouble("put", "/data/");
  for (int i = 0; i < 40; ++i) {
    attempt.write("state", text += "line\n");
    attempt.step(milliseconds{300});
  }
  world.store.before = nullptr;
  bool killed = true;
  SUBCASE("killed") {}
  SUBCASE("ended by itself") { killed = false; }
  const auto end = attempt.flush(killed, Duration{0});
  CHECK((end.outcome == FlushOutcome::saved) != killed);
  CHECK(Attempt(world, 2).files() ==
        (killed ? Files{{"model", "m"}} : Files{{"model", "m of the next"}, {"state", text}}));
}

TEST_CASE("a change ends the wait, and times are given for the rest") {
  World world;
  Attempt attempt(world, 1);
  attempt.step();
  CHECK(attempt.sync->next_wakeup() == world.clock.now() + seconds{1});
  attempt.write("model", "m");
  attempt.folder->wait(minutes{10});  // for ever, if the change did not end it
  attempt.step(milliseconds{60});
  CHECK(attempt.sync->next_wakeup() == world.clock.now() + milliseconds{500});
  CHECK_FALSE(attempt.folder->changes().any);
}
