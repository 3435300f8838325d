// What is stored together, what is not stored twice, and what comes down in ranges.
#include <doctest/doctest.h>

#include <algorithm>

#include "agent/checkpoint_world.hpp"
#include "conformance/object_store_suite.hpp"

using namespace holdfast::testing;

namespace {

std::size_t data_objects(World& world) { return world.keys(world.own_key("data/")).size(); }

void write_many(Attempt& attempt, int count, const std::string& tail) {
  for (int i = 0; i < count; ++i) attempt.write("small/" + std::to_string(i), "file " + std::to_string(i) + tail);
}

}  // namespace

TEST_CASE("small files lie together in one object, each under its name in the plain view, and come back") {
  World world;
  Attempt first(world, 1);
  write_many(first, 100, " of the first");
  first.write("empty", "");
  first.write("large", numbered(300'000));
  const auto wanted = first.files();
  REQUIRE(first.settle());
  CHECK(data_objects(world) == 2);
  CHECK(world.plain_view() == wanted);
  Attempt second(world, 2);
  CHECK(second.files() == wanted);
  CHECK(second.restored.files == wanted.size());
  // One of them changes: it alone is stored, and what the others lie in stays.
  second.write("small/7", "another");
  const auto newest = second.settle();
  REQUIRE(newest);
  CHECK(data_objects(world) == 3);
  CHECK(Attempt(world, 3).files() == second.files());
  CHECK(world.plain_view() == second.files());
}

TEST_CASE("two files of one object that change places are another checkpoint") {
  World world;
  Attempt attempt(world, 1);
  write_many(attempt, 20, "");
  REQUIRE(attempt.settle());
  fs::rename(attempt.dir / "small/3", attempt.dir / "aside");
  fs::rename(attempt.dir / "small/4", attempt.dir / "small/3");
  fs::rename(attempt.dir / "aside", attempt.dir / "small/4");
  REQUIRE(attempt.settle());
  CHECK(attempt.files().at("small/3") == "file 4");
  CHECK(Attempt(world, 2).files() == attempt.files());
  CHECK(world.plain_view() == attempt.files());
}

TEST_CASE("one of many small files that changes while it is read is no part of what is stored, the others are") {
  World world;
  Attempt attempt(world, 1);
  write_many(attempt, 20, "");
  bool once = true;
  attempt.sync->step();
  world.store.before = [&](std::string_view call, const std::string& key) -> std::optional<holdfast::Error> {
    if (call == "put" && key.find("/data/") != std::string::npos && std::exchange(once, false)) {
      attempt.write("small/3", "changed under the upload");
    }
    return std::nullopt;
  };
  REQUIRE(attempt.settle());
  CHECK(Attempt(world, 2).files() == attempt.files());
  CHECK(attempt.files().at("small/3") == "changed under the upload");
}

TEST_CASE("damage to one of several in an object sends the generation into quarantine") {
  World world;
  Attempt first(world, 1);
  write_many(first, 20, " good");
  const auto good = first.settle();
  REQUIRE(good);
  write_many(first, 20, " newer");
  const auto newer = first.settle();
  REQUIRE(newer);
  world.flip_bit(world.data_key(*newer, "small/9"));
  Attempt second(world, 2);
  CHECK(second.restored.generation == good);
  REQUIRE(second.restored.quarantined.size() == 1);
  CHECK(second.files().at("small/9") == "file 9 good");
}

TEST_CASE("the names of one file are one upload") {
  World world;
  Attempt first(world, 1);
  first.write("step-1/weights", numbered(2'000'000));
  fs::create_hard_link(first.dir / "step-1/weights", first.dir / "latest");
  REQUIRE(first.settle());
  CHECK(data_objects(world) == 1);
  const auto files = Attempt(world, 2).files();
  CHECK(files == first.files());
  CHECK(files.size() == 2);
  CHECK(world.plain_view() == files);
}

TEST_CASE("a file that gets another name, or comes again as it was, is not uploaded again") {
  World world;
  Attempt attempt(world, 1);
  const auto contents = numbered(3'000'000);
  attempt.write("weights.part", contents);
  attempt.write("other", numbered(1'500'000) + "x");
  REQUIRE(attempt.settle());
  const auto before = world.store.uploaded.size();
  fs::rename(attempt.dir / "weights.part", attempt.dir / "weights");
  const auto renamed = attempt.settle();
  REQUIRE(renamed);
  CHECK(world.store.uploaded.size() == before);
  attempt.write("weights", contents);
  attempt.write("copy", contents);
  REQUIRE(attempt.settle());
  CHECK(world.store.uploaded.size() == before);
  // Another that begins in the same way.
  auto differs = contents;
  differs.back() ^= 1;
  attempt.write("weights", differs);
  REQUIRE(attempt.settle());
  CHECK(world.store.uploaded.size() == before + 1);
  CHECK(Attempt(world, 2).files() == attempt.files());
}

TEST_CASE("a file that was uploaded before its first generation and then renamed is not uploaded again") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("busy", "first");
  attempt.hold_open("busy", true);
  attempt.write("model.tmp", numbered(2'000'000));
  attempt.step();
  attempt.step(holdfast::seconds{2});
  attempt.step(holdfast::seconds{2});
  REQUIRE(world.store.uploaded.size() == 1);
  fs::rename(attempt.dir / "model.tmp", attempt.dir / "model");
  attempt.open.emplace();
  REQUIRE(attempt.settle());
  CHECK(std::ranges::count_if(world.store.uploaded,
                              [](const auto& key) { return key.find("/data/") != std::string::npos; }) <= 2);
  CHECK(Attempt(world, 2).files() == attempt.files());
}

TEST_CASE("a program that was killed in the middle of a save does not rest") {
  World world;
  Attempt attempt(world, 1);
  const auto whole = attempt.save_two_parts();
  attempt.rename_in("part-0", "step 2");
  attempt.step();
  attempt.open.reset();  // killed; whoever waits for it does not know yet
  CHECK_FALSE(attempt.settle());
  CHECK(attempt.flush(true, holdfast::seconds{2}).outcome != FlushOutcome::too_late);
  CHECK(attempt.sync->figures().last == whole);
}

TEST_CASE("a long file comes down in ranges, and damage anywhere in it is found") {
  World world;
  Attempt first(world, 1);
  first.write("long", numbered(40'000'000));
  first.write("sparse", numbered(5'000) + std::string(3'000'000, '\0'));
  const auto whole = first.settle();
  REQUIRE(whole);
  std::size_t ranges = 0;
  world.store.before = [&](std::string_view call, const std::string& key) -> std::optional<holdfast::Error> {
    if (call == "get" && key.find("/data/") != std::string::npos) ++ranges;
    return std::nullopt;
  };
  CHECK(Attempt(world, 2).files() == first.files());
  CHECK(ranges == 4);
  struct stat status {};
  REQUIRE(::stat((world.dir / "instance-2/sparse").c_str(), &status) == 0);
  CHECK(status.st_blocks * 512 < 2'000'000);
  // A bit in its second range.
  const auto key = world.data_key(*whole, "long");
  auto bytes = world.files->get_bytes("bucket", key, 1 << 26).value();
  bytes[20'000'000] ^= 1;
  REQUIRE(world.files->put_bytes("bucket", key, bytes));
  Attempt third(world, 3);
  CHECK(third.restored.generation != whole);
  CHECK_FALSE(third.restored.quarantined.empty());
}
