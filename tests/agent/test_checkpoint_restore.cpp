#include "agent/checkpoint_world.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

// Three generations of attempt 1: {model: "1", keep: "k"}, then "22", then "333".
void make_three(World& world) {
  Attempt attempt(world, 1);
  attempt.write("keep", "k");
  for (std::size_t i = 1; i <= 3; ++i) {
    attempt.write("model", std::string(i, static_cast<char>('0' + i)));
    REQUIRE(attempt.settle() == generation(1, i));
  }
}

Result<RestoredCheckpoint> restore(World& world, std::uint64_t fence, const std::string& key = "ckpt/job-1") {
  return restore_into(world.dir / ("instance-" + std::to_string(fence)), world.store, {"bucket", key}, "job-1", fence,
                      world.clock);
}

Files local(World& world, std::uint64_t fence) { return files_in(world.dir / ("instance-" + std::to_string(fence))); }

}  // namespace

TEST_CASE("a flipped bit in a stored file sends its generation into quarantine and the one before is used") {
  World world;
  make_three(world);
  world.flip_bit(world.data_key(generation(1, 3), "model"));
  const auto restored = restore(world, 2).value();
  CHECK(restored.generation == generation(1, 2));
  REQUIRE(restored.quarantined.size() == 1);
  CHECK(restored.quarantined[0].id == generation(1, 3));
  CHECK(restored.quarantined[0].why.find("model") != std::string::npos);
  CHECK(local(world, 2) == Files{{"keep", "k"}, {"model", "22"}});
  CHECK(world.keys(world.own_key("quarantine/")).size() == 1);
  // Known from now on, and not tried again.
  const auto again = restore(world, 3).value();
  CHECK(again.quarantined.empty());
  CHECK(again.generation == generation(2, 1));
}

TEST_CASE("a flipped bit in a manifest does the same") {
  World world;
  make_three(world);
  world.flip_bit(world.own_key(checkpoint::manifest_name(generation(1, 3))));
  const auto restored = restore(world, 2).value();
  CHECK(restored.generation == generation(1, 2));
  CHECK(restored.quarantined.size() == 1);
  CHECK(local(world, 2) == Files{{"keep", "k"}, {"model", "22"}});
}

TEST_CASE("a manifest under another's name is damaged") {
  World world;
  make_three(world);
  REQUIRE(world.files->copy("bucket", world.own_key(checkpoint::manifest_name(generation(1, 1))),
                            world.own_key(checkpoint::manifest_name(generation(1, 3)))));
  CHECK(restore(world, 2).value().generation == generation(1, 2));
}

TEST_CASE("a stored file that is missing or cut short does the same") {
  World world;
  make_three(world);
  REQUIRE(world.files->remove("bucket", world.data_key(generation(1, 3), "model")));
  REQUIRE(world.files->put_bytes("bucket", world.data_key(generation(1, 2), "model"), "2"));
  const auto restored = restore(world, 2).value();
  CHECK(restored.generation == generation(1, 1));
  CHECK(restored.quarantined.size() == 2);
  CHECK(local(world, 2) == Files{{"keep", "k"}, {"model", "1"}});
}

TEST_CASE("when every generation is damaged the program starts afresh, not from the plain files") {
  World world;
  make_three(world);
  world.flip_bit(world.data_key(generation(1, 1), "keep"));  // all three need it
  const auto restored = restore(world, 2).value();
  CHECK_FALSE(restored.generation);
  CHECK_FALSE(restored.plain);
  CHECK(restored.quarantined.size() == 3);
  CHECK(local(world, 2).empty());
  // Nor does the attempt after it, which goes on from one that went on from nothing.
  const auto next = restore(world, 3).value();
  CHECK_FALSE(next.plain);
  CHECK(local(world, 3).empty());
}

TEST_CASE("after a step back nothing refers to what was stored before") {
  World world;
  make_three(world);
  world.flip_bit(world.data_key(generation(1, 3), "model"));
  Attempt second(world, 2);
  second.write("model", "4444");
  REQUIRE(second.settle() == generation(2, 2));
  CHECK(world.data_key(generation(2, 2), "keep").find("data/0000000000000002-") != std::string::npos);
}

TEST_CASE("damage on the way is not damage in the store") {
  World world;
  make_three(world);
  int reads = 0;
  world.store.after = [&](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (call == "get" && key.find("data/") != std::string::npos && ++reads == 1)
      return Error{Kind::conflict, "garbled"};
    return std::nullopt;
  };
  const auto restored = restore(world, 2).value();
  CHECK(restored.generation == generation(1, 3));
  CHECK(restored.quarantined.empty());
}

TEST_CASE("a sparse file comes back as one, and a hole is a hole though an earlier try wrote there") {
  const TempDir dir;
  const auto folder = DiskFolder::open(dir / "checkpoints").value();
  const std::string zeros(1 << 20, '\0');
  auto file = folder->create("sparse").value();
  SUBCASE("never written") {}
  SUBCASE("written before") { REQUIRE(file->write(0, std::string(1 << 20, 'x'))); }
  REQUIRE(file->write(0, zeros));
  REQUIRE(file->write(zeros.size(), "end"));
  REQUIRE(file->write(zeros.size() + 3, zeros));
  REQUIRE(file->place(0, 0644));
  CHECK((files_in(dir / "checkpoints").at("sparse") == zeros + "end" + zeros));
  struct stat status {};
  REQUIRE(::stat((dir / "checkpoints/sparse").c_str(), &status) == 0);
  CHECK(status.st_blocks * 512 <= 1 << 16);
}

TEST_CASE("a store that is away is no reason to go back a generation") {
  World world;
  make_three(world);
  for (const auto* part : {"data/", "ledger/"}) {
    world.store.before = trouble("get", part);
    const auto restored = restore(world, 2);
    CHECK(restored.error().kind == Kind::try_again);
    CHECK(local(world, 2).empty());
  }
  world.store.before = nullptr;
  CHECK(restore(world, 2).value().generation == generation(1, 3));
  CHECK(world.keys(world.own_key("quarantine/")).empty());
}

TEST_CASE("a restore whose opening was written but not acknowledged can be repeated") {
  World world;
  make_three(world);
  world.store.after = trouble("put", "ledger/");
  CHECK(restore(world, 2).error().kind == Kind::try_again);
  world.store.after = nullptr;
  CHECK(restore(world, 2).value().generation == generation(1, 3));
}

TEST_CASE("what was brought by a try that came to nothing does not lie beside what the next one brings") {
  World world;
  make_three(world);
  int manifests = 0;
  world.store.before = [&](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (call != "put" || key.find("ledger/") == std::string::npos || ++manifests == 1) return std::nullopt;
    return Error{Kind::try_again, "the opening arrived, and nothing more"};
  };
  CHECK(restore(world, 2).error().kind == Kind::try_again);
  CHECK(manifests == 2);
  CHECK(local(world, 2).empty());
}

TEST_CASE("a prefix without a ledger is restored as it is, and saved as a generation") {
  World world;
  for (const auto* path : {"model.bin", "deep/er/optimizer.bin", "x.sagemaker-uploaded", "folder/"}) {
    REQUIRE(world.files->put_bytes("bucket", std::string("ckpt/job-1/") + path, path));
  }
  REQUIRE(world.files->put_bytes("bucket", "ckpt/job-10/other", "another job's"));
  Attempt attempt(world, 7);
  CHECK(attempt.restored.plain);
  CHECK_FALSE(attempt.restored.generation);
  CHECK(attempt.files() == Files{{"model.bin", "model.bin"}, {"deep/er/optimizer.bin", "deep/er/optimizer.bin"}});
  // The instance is lost before anything was committed: the next attempt finds the same.
  Attempt next(world, 8);
  CHECK(next.restored.plain);
  CHECK(next.files() == attempt.files());
  REQUIRE(next.settle() == generation(8, 1));
  fs::remove(next.dir / "model.bin");
  REQUIRE(next.settle(seconds{5}) == generation(8, 2));
  CHECK(world.keys("ckpt/job-1/model.bin").empty());  // restored, so ours to delete
  CHECK(Attempt(world, 9).files() == next.files());
}

TEST_CASE("a try that could not say that it begins anew leaves no plain files for the next one") {
  World world;
  REQUIRE(world.files->put_bytes("bucket", "ckpt/job-1/model.bin", "by hand"));
  world.store.after = trouble("put", ".anew");
  CHECK(restore(world, 2).error().kind == Kind::try_again);
  CHECK(local(world, 2).empty());
  world.store.after = nullptr;
  CHECK(restore(world, 2).value().plain);
}

TEST_CASE("an S3Uri that names one object restores that object") {
  World world;
  REQUIRE(world.files->put_bytes("bucket", "models/start.pt", "weights"));
  const auto restored = restore(world, 1, "models/start.pt").value();
  CHECK(restored.plain);
  CHECK(local(world, 1) == Files{{"start.pt", "weights"}});
}

TEST_CASE("nothing there is nothing restored") {
  World world;
  const auto restored = restore(world, 1).value();
  CHECK_FALSE(restored.generation);
  CHECK_FALSE(restored.plain);
  CHECK(restored.files == 0);
}

TEST_CASE("a bucket that does not exist is the user's mistake") {
  World world;
  const auto restored = restore_into(world.dir / "instance", world.store, {"no-such-bucket", "x"}, "j", 1, world.clock);
  CHECK(restored.error().kind == Kind::not_found);
  CHECK(restored.error().message.find("no-such-bucket") != std::string::npos);
}

TEST_CASE("a plain key that leads out of the directory is refused") {
  for (const auto* path : {"../evil", "a/../../evil", "/etc/evil", "a//b"}) {
    World world;
    REQUIRE(world.files->put_bytes("bucket", std::string("ckpt/job-1/") + path, "x"));
    const auto restored = restore(world, 1);
    CHECK(restored.error().kind == Kind::invalid);
    CHECK_FALSE(fs::exists(world.dir / "evil"));
    CHECK(local(world, 1).empty());
  }
}

TEST_CASE("a link in the directory is not followed") {
  World world;
  make_three(world);
  fs::create_directories(world.dir / "outside");
  fs::create_directories(world.dir / "instance-2");
  {
    Attempt first(world, 2);
    first.write("deep/file", "x");
    REQUIRE(first.settle());
  }
  fs::create_directories(world.dir / "instance-3");
  fs::create_directory_symlink(world.dir / "outside", world.dir / "instance-3/deep");
  static_cast<void>(restore(world, 3));
  CHECK(files_in(world.dir / "outside").empty());
}

TEST_CASE("an attempt older than the one that opened the ledger is turned away") {
  World world;
  make_three(world);
  REQUIRE(restore(world, 5));
  const auto zombie = restore(world, 4);
  CHECK(zombie.error().kind == Kind::conflict);
  CHECK(zombie.error().message.find("attempt 5") != std::string::npos);
}

TEST_CASE("a zombie that goes on writing is fenced off, and moves nobody back") {
  World world;
  Attempt zombie(world, 1);
  zombie.write("model", "1");
  REQUIRE(zombie.settle());
  Attempt second(world, 2);
  CHECK(second.files() == Files{{"model", "1"}});
  zombie.write("model", "zombie's");
  CHECK_FALSE(zombie.settle());
  CHECK(zombie.sync->fenced_off());
  REQUIRE(std::holds_alternative<CheckpointFencedOff>(zombie.events.back()));
  CHECK(std::get<CheckpointFencedOff>(zombie.events.back()).newer == Fence{2});
  second.write("model", "22");
  REQUIRE(second.settle() == generation(2, 2));
  // For ever: it does not even look.
  const auto before = world.keys("");
  zombie.write("model", "zombie's last");
  CHECK_FALSE(zombie.settle());
  CHECK(zombie.flush(false).outcome == FlushOutcome::partial);
  CHECK(world.keys("") == before);
  CHECK(Attempt(world, 3).files() == Files{{"model", "22"}});
}

TEST_CASE("a zombie stopped between its last look and its manifest changes nothing") {
  World world;
  Attempt zombie(world, 1);
  zombie.write("model", "1");
  REQUIRE(zombie.settle());
  zombie.write("model", "zombie's");
  // The newer attempt opens while the zombie's manifest is on its way.
  FaultyStore behind(*world.files);
  world.store.before = [&](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (call != "put" || key != world.own_key(checkpoint::manifest_name(generation(1, 2)))) return std::nullopt;
    auto restored = restore_into(world.dir / "instance-2", behind, world.location, "job-1", 2, world.clock);
    REQUIRE(restored);
    CHECK(restored->generation == generation(1, 1));
    return std::nullopt;
  };
  CHECK_FALSE(zombie.settle());
  world.store.before = nullptr;
  CHECK(zombie.sync->fenced_off());
  // Its manifest arrived, and counts for nothing; the plain view was left alone.
  CHECK(world.files->head("bucket", world.own_key(checkpoint::manifest_name(generation(1, 2)))));
  CHECK(world.plain_view() == Files{{"model", "1"}});
  CHECK(restore(world, 3).value().generation == generation(2, 1));
  CHECK(local(world, 3) == Files{{"model", "1"}});
}

TEST_CASE("the opening of an earlier choice that arrives last moves nobody back") {
  World world;
  make_three(world);
  REQUIRE(restore(world, 2).value().generation == generation(1, 3));
  // As if it had been put before there was anything, given up, and done all the same.
  const checkpoint::Manifest late{
      .job = "job-1", .id = {Fence{2}, 0}, .created = world.clock.now(), .based_on = std::nullopt, .files = {}};
  REQUIRE(world.files->put_bytes("bucket", world.own_key(checkpoint::manifest_name(late.id)), encode(late)));
  SUBCASE("whole") {
    CHECK(restore(world, 3).value().generation == generation(2, 1));
    CHECK(local(world, 3) == local(world, 2));
  }
  SUBCASE("nor where what it went on from is damaged and the one before has to do") {
    world.flip_bit(world.data_key(generation(1, 3), "model"));
    CHECK(restore(world, 3).value().generation == generation(1, 2));
  }
}

TEST_CASE("an attempt that died before its second look hides nothing, whatever its opening says") {
  World world;
  make_three(world);
  // It had chosen before the newest was committed; its opening took effect when it was gone.
  std::optional<GenerationId> base;
  SUBCASE("there was nothing") {}
  SUBCASE("there was an older one") { base = generation(1, 1); }
  const checkpoint::Manifest late{
      .job = "job-1", .id = {Fence{2}, 0}, .created = world.clock.now(), .based_on = base, .files = {}};
  REQUIRE(world.files->put_bytes("bucket", world.own_key(checkpoint::manifest_name(late.id)), encode(late)));
  CHECK(restore(world, 3).value().generation == generation(1, 3));
}

TEST_CASE("an attempt that began anew hides what came too late, and not from itself while it still chooses") {
  World world;
  Attempt zombie(world, 1);
  world.store.after = trouble("put", ".anew");
  CHECK(restore(world, 2).error().kind == Kind::try_again);
  world.store.after = nullptr;
  zombie.write("model", "1");
  CHECK_FALSE(zombie.settle());
  CHECK(world.plain_view().empty());
  const auto late = checkpoint::Manifest{
      .job = "job-1", .id = generation(1, 7), .created = world.clock.now(), .based_on = std::nullopt, .files = {}};
  REQUIRE(world.files->put_bytes("bucket", world.own_key(checkpoint::manifest_name(late.id)), encode(late)));
  SUBCASE("the next attempt") { CHECK_FALSE(restore(world, 3).value().generation); }
  SUBCASE("itself") { CHECK(restore(world, 2).value().generation == generation(1, 7)); }
}

TEST_CASE("an attempt that opens while an older one commits goes on from the newer commit") {
  World world;
  Attempt first(world, 1);
  first.write("model", "1");
  REQUIRE(first.settle());
  first.write("model", "22");
  // The older attempt commits after the choice was made and before the opening is written.
  FaultyStore slow(*world.files);
  bool once = false;
  slow.before = [&](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (call == "put" && key.find("ledger/") != std::string::npos && !std::exchange(once, true)) {
      REQUIRE(first.settle() == generation(1, 2));
    }
    return std::nullopt;
  };
  const auto restored = restore_into(world.dir / "instance-2", slow, world.location, "job-1", 2, world.clock);
  REQUIRE(restored);
  CHECK(restored->generation == generation(1, 2));
  CHECK(restored->claim.based_on == generation(1, 2));
  CHECK(local(world, 2) == Files{{"model", "22"}});
}

TEST_CASE("a generation cleaned up while it is read is not called damaged") {
  World world;
  Attempt first(world, 1);
  first.write("model", "1");
  REQUIRE(first.settle());
  FaultyStore slow(*world.files);
  bool once = false;
  slow.before = [&](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (call == "get" && key.find("data/") != std::string::npos && !std::exchange(once, true)) {
      REQUIRE(world.files->remove("bucket", world.own_key(checkpoint::manifest_name(generation(1, 1)))));
      REQUIRE(world.files->remove("bucket", key));
    }
    return std::nullopt;
  };
  const auto restored = restore_into(world.dir / "instance-2", slow, world.location, "job-1", 2, world.clock);
  REQUIRE(restored);
  CHECK_FALSE(restored->generation);
  CHECK(restored->quarantined.empty());
}

TEST_CASE("an agent that is started again goes on where it was, and overwrites nothing") {
  World world;
  {
    Attempt once(world, 3);
    once.write("model", "1");
    REQUIRE(once.settle() == generation(3, 1));
  }
  fs::remove_all(world.dir / "instance-3");
  Attempt again(world, 3);
  CHECK(again.restored.generation == generation(3, 1));
  again.write("model", "22");
  CHECK(again.settle() == generation(3, 2));
  CHECK(Attempt(world, 4).files() == Files{{"model", "22"}});
}

TEST_CASE("another job that uses the same place goes on from its checkpoint") {
  World world;
  make_three(world);
  const auto restored =
      restore_into(world.dir / "other", world.store, {"bucket", "ckpt/job-1/"}, "job-2", 9, world.clock);
  REQUIRE(restored);
  CHECK(restored->generation == generation(1, 3));
}
