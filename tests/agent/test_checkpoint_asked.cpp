// Commits that a program asks for, SageMaker's marker files, and the figures that time to safe is made of.
#include "agent/checkpoint_world.hpp"

using namespace holdfast;
using namespace holdfast::testing;

using What = CommitAnswer::What;

namespace {

CheckpointSyncOptions with_markers() {
  CheckpointSyncOptions options;
  options.markers = true;
  return options;
}

bool there(const Attempt& attempt, const std::string& path) { return fs::exists(attempt.dir / path); }

}  // namespace

TEST_CASE("a commit that is asked for waits for no quiet moment, and has what was there") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "1");
  attempt.write("deep/optimizer", "2");
  attempt.hold_open("model", true);
  const auto asked = attempt.sync->commit_now();
  REQUIRE(asked.answer);
  CHECK(asked.answer->what == What::safe);
  CHECK(asked.answer->generation == generation(1, 1));
  CHECK(world.plain_view() == attempt.files());
  CHECK(Attempt(world, 2).files() == attempt.files());
}

TEST_CASE("asked twice about the same, the answer is the same generation") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "1");
  CHECK(attempt.sync->commit_now().answer->generation == generation(1, 1));
  const auto again = attempt.sync->commit_now();
  CHECK(again.answer->what == What::safe);
  CHECK(again.answer->generation == generation(1, 1));
  CHECK(again.events.empty());
}

TEST_CASE("a program that asks has nothing committed that it did not ask for") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "1");
  CHECK(attempt.sync->commit_now().answer->generation == generation(1, 1));
  attempt.write("half", "of a checkpoint");
  CHECK_FALSE(attempt.settle());
  // But it is on its way already.
  CHECK(attempt.sync->figures().bytes_to_upload == 0);
  CHECK(attempt.sync->figures().dirty_since);
  attempt.write("other half", "is here");
  CHECK(attempt.sync->commit_now().answer->generation == generation(1, 2));
}

TEST_CASE("killed, such a program keeps what it asked for; ended by itself, everything") {
  for (const bool killed : {false, true}) {
    World world;
    Attempt attempt(world, 1);
    attempt.write("model", "1");
    CHECK(attempt.sync->commit_now().answer->generation == generation(1, 1));
    attempt.write("half", "of a checkpoint");
    attempt.step(seconds{10});
    const auto flushed = attempt.flush(killed, seconds{5});
    CHECK(flushed.outcome == (killed ? FlushOutcome::partial : FlushOutcome::saved));
    CHECK(flushed.generation == generation(1, killed ? 1 : 2));
  }
}

TEST_CASE("there must be something to commit") {
  World world;
  Attempt attempt(world, 1);
  CHECK(attempt.sync->commit_now().answer->what == What::refused);
}

TEST_CASE("a file that changes under each upload is told to the program, and once it rests it is saved") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", std::string(3'000'000, 'a'));
  int writes = 0;
  world.store.in_the_middle = [&](const std::string&) {
    attempt.write("model", std::string(3'000'000, static_cast<char>('b' + ++writes)));
  };
  const auto asked = attempt.sync->commit_now();
  REQUIRE(asked.answer);
  CHECK(asked.answer->what == What::changed);
  CHECK(asked.answer->why.find("model") != std::string::npos);
  world.store.in_the_middle = nullptr;
  CHECK(attempt.sync->commit_now().answer->what == What::safe);
  CHECK(Attempt(world, 2).files() == attempt.files());
}

TEST_CASE("while the store is away there is no answer, and afterwards there is") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "1");
  world.store.before = [](std::string_view call, const std::string&) -> std::optional<Error> {
    if (call != "put") return std::nullopt;
    return Error{Kind::try_again, "503 SlowDown"};
  };
  CHECK_FALSE(attempt.sync->commit_now().answer);
  world.store.before = nullptr;
  world.clock.advance(seconds{5});
  CHECK(attempt.sync->commit_now().answer->what == What::safe);
}

TEST_CASE("an attempt that was replaced says so") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "1");
  Attempt newer(world, 2);
  const auto asked = attempt.sync->commit_now();
  CHECK_FALSE(asked.answer);
  CHECK(attempt.sync->fenced_off());
  CHECK(attempt.sync->commit_now().answer->what == What::too_late);
}

// ---- markers

TEST_CASE("a file has SageMaker's marker of an upload until a generation has it, then the other one") {
  World world;
  Attempt attempt(world, 1, with_markers());
  attempt.write("deep/model", "1");
  bool seen = false;
  world.store.in_the_middle = [&](const std::string&) { seen = there(attempt, "deep/model.sagemaker-uploading"); };
  attempt.write("deep/model", std::string(3'000'000, 'a'));
  CHECK(attempt.settle() == generation(1, 1));
  CHECK(seen);
  CHECK(there(attempt, "deep/model.sagemaker-uploaded"));
  CHECK_FALSE(there(attempt, "deep/model.sagemaker-uploading"));
  CHECK(fs::file_size(attempt.dir / "deep/model.sagemaker-uploaded") == 0);
  // They are none of the checkpoint's.
  CHECK(world.plain_view().size() == 1);
  CHECK_FALSE(attempt.settle());
}

TEST_CASE("a file written anew is not uploaded any more, and the markers of one that is removed go with it") {
  World world;
  Attempt attempt(world, 1, with_markers());
  attempt.write("a", "1");
  attempt.write("b", "1");
  CHECK(attempt.settle() == generation(1, 1));
  attempt.write("a", "22");
  bool uploading = false;
  world.store.before = [&](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (call == "put" && key.find("/ledger/") != std::string::npos) {
      uploading = there(attempt, "a.sagemaker-uploading") && !there(attempt, "a.sagemaker-uploaded");
    }
    return std::nullopt;
  };
  fs::remove(attempt.dir / "b");
  CHECK(attempt.settle() == generation(1, 2));
  CHECK(uploading);
  CHECK(there(attempt, "a.sagemaker-uploaded"));
  CHECK_FALSE(there(attempt, "b.sagemaker-uploaded"));
}

TEST_CASE("without markers there are none") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("a", "1");
  CHECK(attempt.settle() == generation(1, 1));
  CHECK(attempt.files().size() == 1);
}

// ---- by a file

TEST_CASE(
    "the file that asks for a commit is seen, is no part of a checkpoint, and is removed unless it is a new one") {
  World world;
  Attempt attempt(world, 1);
  CHECK_FALSE(attempt.folder->commit_file());
  attempt.write(kCommitFile, "");
  const auto asked = attempt.folder->commit_file();
  REQUIRE(asked);
  attempt.write("model", "1");
  CHECK(attempt.sync->commit_now().answer->what == What::safe);
  CHECK(world.plain_view() == Files{{"model", "1"}});
  fs::remove(attempt.dir / kCommitFile);
  attempt.write(kCommitFile, "again");
  attempt.folder->remove_commit_file(*asked);
  CHECK(attempt.folder->commit_file());
  attempt.folder->remove_commit_file(*attempt.folder->commit_file());
  CHECK_FALSE(attempt.folder->commit_file());
}

// ---- figures

TEST_CASE("the figures follow a save from its first change to its commit") {
  World world;
  Attempt attempt(world, 1);
  attempt.step();
  auto figures = attempt.sync->figures();
  CHECK_FALSE(figures.dirty_since);
  CHECK_FALSE(figures.saving_since);
  const auto began = world.clock.now();
  attempt.write("a", std::string(1000, 'a'));
  attempt.hold_open("a", true);
  attempt.step(seconds{1});
  figures = attempt.sync->figures();
  CHECK(figures.dirty_since == began + seconds{1});
  CHECK(figures.saving_since == began + seconds{1});
  CHECK(figures.bytes_to_upload == 1000);
  CHECK(figures.written_bytes == 1000);
  attempt.write("a", std::string(3000, 'b'));
  attempt.step(seconds{200});
  figures = attempt.sync->figures();
  CHECK(figures.saving_since == began + seconds{1});
  CHECK(figures.written_bytes == 3000);
  attempt.hold_open("a", false);
  CHECK(attempt.settle() == generation(1, 1));
  figures = attempt.sync->figures();
  CHECK_FALSE(figures.dirty_since);
  CHECK_FALSE(figures.saving_since);
  CHECK(figures.bytes_to_upload == 0);
  for (const auto& event : attempt.events) {
    const auto* committed = std::get_if<CheckpointCommitted>(&event);
    if (!committed) continue;
    CHECK(committed->wrote >= seconds{200});
    CHECK(committed->wrote < seconds{203});
    CHECK(committed->uploaded_bytes == 3000);
  }
}

TEST_CASE("a save is seen however long a look takes") {
  World world;
  Attempt attempt(world, 1);
  const auto open_files = [&] {
    world.clock.advance(milliseconds{5});  // as many processes as a machine has
    return attempt.open;
  };
  attempt.sync = CheckpointSync::open(world.store, world.clock, attempt.tasks, open_files, {}, attempt.restored.claim,
                                      *attempt.folder)
                     .value();
  attempt.step();
  attempt.write("a", "a");
  attempt.step(seconds{1});
  CHECK(attempt.sync->figures().saving_since);
}

TEST_CASE("what a restore brought is not written by the program") {
  World world;
  Attempt first(world, 1);
  first.write("a", std::string(1000, 'a'));
  CHECK(first.settle());
  Attempt second(world, 2);
  second.step(seconds{5});
  const auto figures = second.sync->figures();
  CHECK(figures.written_bytes == 0);
  CHECK_FALSE(figures.dirty_since);
}
