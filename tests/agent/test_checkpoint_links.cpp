// Symbolic links of a checkpoint directory: what is kept of them, what comes back, and that none is followed.
#include <algorithm>

#include "agent/checkpoint_world.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

// What PyTorch Lightning and others leave behind.
Files save_with_links(Attempt& attempt) {
  attempt.write("epoch=3.ckpt", "three");
  attempt.write("checkpoint-500/model", "five hundred");
  attempt.link("last.ckpt", "epoch=3.ckpt");
  attempt.link("latest", "checkpoint-500/");
  attempt.link("checkpoint-500/up", "../epoch=3.ckpt");
  attempt.link("dangling", "not/there");
  return {{"epoch=3.ckpt", "three"},        {"checkpoint-500/model", "five hundred"},
          {"last.ckpt", "-> epoch=3.ckpt"}, {"latest", "-> checkpoint-500/"},
          {"dangling", "-> not/there"},     {"checkpoint-500/up", "-> ../epoch=3.ckpt"}};
}

checkpoint::Manifest newest_of(World& world) {
  LedgerStore ledger(*world.files, checkpoint_place(world.location));
  const auto order = checkpoint::restore_order(ledger.read().value());
  return ledger.read_manifest(order.at(0)).value().value();
}

}  // namespace

TEST_CASE("links that stay inside come back, from one attempt to the next, and nothing is new about them") {
  World world;
  Attempt first(world, 1);
  const auto files = save_with_links(first);
  REQUIRE(first.settle() == generation(1, 1));
  CHECK(first.problems().empty());
  for (std::uint64_t fence = 2; fence <= 4; ++fence) {
    Attempt next(world, fence);
    CHECK(next.files() == files);
    CHECK_FALSE(next.settle());
  }
}

TEST_CASE("a link that leads elsewhere, is new or is gone makes a generation by itself") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("a", "a");
  attempt.write("b", "b");
  attempt.link("last", "a");
  REQUIRE(attempt.settle() == generation(1, 1));
  attempt.link("last", "b");
  CHECK_FALSE(std::ranges::any_of(attempt.step(), [](const auto& event) {
    return std::holds_alternative<CheckpointCommitted>(event);  // it has only just changed
  }));
  REQUIRE(attempt.settle() == generation(1, 2));
  CHECK(newest_of(world).links == std::vector<checkpoint::Link>{{"last", "b"}});
  attempt.link("best", "a");
  REQUIRE(attempt.settle() == generation(1, 3));
  CHECK(newest_of(world).links.size() == 2);
  fs::remove(attempt.dir / "last");
  CHECK_FALSE(attempt.settle());  // some delete before they write
  REQUIRE(attempt.settle(seconds{6}) == generation(1, 4));
  CHECK(newest_of(world).links == std::vector<checkpoint::Link>{{"best", "a"}});
  for (const auto& event : attempt.events) {
    if (const auto* committed = std::get_if<CheckpointCommitted>(&event)) {
      CHECK((committed->id == generation(1, 1) || committed->uploaded_bytes == 0));
      CHECK((committed->id == generation(1, 4) || committed->safe_after < seconds{2}));
    }
  }
}

TEST_CASE("a link may become a folder or a file, and the other way round") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("a/model", "a");
  attempt.link("b", "a");
  REQUIRE(attempt.settle());
  fs::remove(attempt.dir / "b");
  attempt.write("b/model", "b");
  fs::remove_all(attempt.dir / "a");
  attempt.link("a", "b/model");
  REQUIRE(attempt.settle());
  CHECK(Attempt(world, 2).files() == Files{{"a", "-> b/model"}, {"b/model", "b"}});
}

TEST_CASE("links alone are no checkpoint") {
  World world;
  Attempt attempt(world, 1);
  attempt.link("last", "epoch=3.ckpt");
  CHECK_FALSE(attempt.settle());
  CHECK(attempt.flush(false).outcome == FlushOutcome::saved);
  CHECK_FALSE(Attempt(world, 2).restored.generation);
}

TEST_CASE("a program that ended leaves its links, one that was killed while it changed them does not") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("a", "a");
  attempt.link("last", "a");
  REQUIRE(attempt.settle() == generation(1, 1));
  attempt.link("last", "elsewhere");
  CHECK(attempt.flush(true).outcome == FlushOutcome::partial);
  Attempt second(world, 2);
  CHECK(second.files() == Files{{"a", "a"}, {"last", "-> a"}});
  second.link("last", "b");
  CHECK(second.flush(false).outcome == FlushOutcome::saved);
  CHECK(Attempt(world, 3).files() == Files{{"a", "a"}, {"last", "-> b"}});
}

TEST_CASE("a link that is changed all the time does not keep the files from being saved") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("model", "m");
  std::optional<GenerationId> committed;
  for (int i = 0; i < 3000 && !committed; ++i) {
    attempt.link("current", std::to_string(i));
    for (const auto& event : attempt.step(milliseconds{300})) {
      if (const auto* one = std::get_if<CheckpointCommitted>(&event)) committed = one->id;
    }
  }
  REQUIRE(committed);
  CHECK(newest_of(world).links.empty());
  REQUIRE(attempt.problems().size() == 2);
  CHECK(attempt.problems()[0].find("current has been written for 30 s without a rest") != std::string::npos);
  CHECK(attempt.problems()[1].find("current is written all the time") != std::string::npos);
}

TEST_CASE("the plain view has a copy of a file under the name of each link to it, and of no other link") {
  World world;
  Attempt attempt(world, 1);
  save_with_links(attempt);
  REQUIRE(attempt.settle());
  CHECK(world.plain_view() == Files{{"epoch=3.ckpt", "three"},
                                    {"checkpoint-500/model", "five hundred"},
                                    {"last.ckpt", "three"},
                                    {"checkpoint-500/up", "three"}});
  attempt.link("last.ckpt", "checkpoint-500/model");
  fs::remove(attempt.dir / "checkpoint-500/up");
  REQUIRE(attempt.settle());
  CHECK(world.plain_view() ==
        Files{{"epoch=3.ckpt", "three"}, {"checkpoint-500/model", "five hundred"}, {"last.ckpt", "five hundred"}});
  // What another attempt finds there it keeps in line.
  Attempt second(world, 2);
  second.write("checkpoint-500/model", "another");
  fs::remove(second.dir / "epoch=3.ckpt");
  REQUIRE(second.settle());
  CHECK(world.plain_view() == Files{{"checkpoint-500/model", "another"}, {"last.ckpt", "another"}});
}

TEST_CASE("what is in the way of a restore is replaced and never written through") {
  World world;
  {
    Attempt first(world, 1);
    first.write("model", "m");
    first.write("other", "o");
    first.link("last", "model");
    first.link("sub/last", "../model");
    REQUIRE(first.settle());
  }
  write_in_place(world.dir / "outside/victim", "precious");
  const auto there = world.dir / "instance-2";
  write_link(there / "model", world.dir / "outside/victim");
  write_link(there / "last", "model");  // as it is to be
  write_in_place(there / "sub/last", "a file");
  Attempt second(world, 2);
  CHECK(second.files() == Files{{"model", "m"}, {"other", "o"}, {"last", "-> model"}, {"sub/last", "-> ../model"}});
  CHECK(files_in(world.dir / "outside") == Files{{"victim", "precious"}});
  // An agent that is started again in the same directory.
  CHECK(restore_into(there, world.store, world.location, "job-1", 2, world.clock)->generation == generation(2, 1));
  CHECK(second.files() == Files{{"model", "m"}, {"other", "o"}, {"last", "-> model"}, {"sub/last", "-> ../model"}});
}

TEST_CASE("a generation whose link cannot be made leaves nothing behind, and no link where it was not to be") {
  World world;
  {
    Attempt first(world, 1);
    save_with_links(first);
    REQUIRE(first.settle());
  }
  const auto there = world.dir / "there";
  const auto folder = DiskFolder::open(there).value();
  ThreadTasks tasks;
  const auto bring = [&] {
    return bring_generation(world.store, checkpoint_place(world.location), newest_of(world), *folder, tasks);
  };
  write_in_place(there / "latest/file", "in the way");
  CHECK(bring().error().kind == Kind::invalid);
  CHECK(files_in(there) == Files{{"latest/file", "in the way"}});
  fs::remove_all(there / "latest");
  fs::create_directories(world.dir / "outside");
  write_link(there / "checkpoint-500", world.dir / "outside");
  CHECK(bring().error().kind == Kind::invalid);
  CHECK(files_in(world.dir / "outside").empty());
}

TEST_CASE("a step back after damage brings the links of the older generation") {
  World world;
  {
    Attempt first(world, 1);
    first.write("a", "a");
    first.link("last", "a");
    REQUIRE(first.settle() == generation(1, 1));
    first.write("b", "b");
    first.link("last", "b");
    REQUIRE(first.settle() == generation(1, 2));
  }
  world.flip_bit(world.data_key(generation(1, 2), "b"));
  Attempt second(world, 2);
  CHECK(second.files() == Files{{"a", "a"}, {"last", "-> a"}});
}
