#include "agent/checkpoint_review.hpp"

#include "agent/checkpoint_world.hpp"
#include "agent/counted_folder.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

CheckpointPlace place_of(const World& world) { return checkpoint_place(world.location); }

std::vector<std::string> states(World& world) {
  const auto found = review_checkpoints(world.store, place_of(world));
  REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
  std::vector<std::string> lines;
  for (const auto& one : found->generations) {
    lines.push_back(fmt::format("{}.{} {}", one.id.fence.value, one.id.sequence, to_string(one.state)));
  }
  return lines;
}

// As many generations as asked for, of one file each.
void save(Attempt& attempt, int count) {
  for (int i = 0; i < count; ++i) {
    attempt.write("model", fmt::format("{} of {}", i, attempt.dir.string()));
    REQUIRE(attempt.settle());
  }
}

CheckpointSyncOptions keeping(std::size_t keep) { return {.settle = {}, .retention = {.keep = keep}}; }

}  // namespace

TEST_CASE("a review shows what there is: sizes, numbers, metrics, and when it was verified") {
  World world;
  {
    double loss = 1;
    auto options = keeping(5);
    options.metrics = [&] { return std::map<std::string, double>{{"loss", loss}}; };
    Attempt first(world, 1, options);
    first.write("keep", "k");
    save(first, 2);
    loss = 0.5;
    save(first, 1);
  }
  world.clock.advance(seconds{10});
  const auto restored_at = world.clock.now();
  Attempt second(world, 2, keeping(5));
  save(second, 1);
  const auto found = review_checkpoints(world.store, place_of(world)).value();
  REQUIRE(found.generations.size() == 5);
  const auto& newest = found.generations[0];
  CHECK(newest.id == generation(2, 2));
  CHECK(newest.manifest.number == 4);
  CHECK(newest.manifest.metrics.empty());
  CHECK(newest.files == 2);
  CHECK(newest.bytes == 1 + fmt::format("0 of {}", second.dir.string()).size());
  CHECK_FALSE(newest.verified);
  // What attempt 2 went on from, under its own name and under that of attempt 1.
  for (const std::size_t i : {1, 2}) {
    CHECK(found.generations[i].manifest.number == 3);
    CHECK(found.generations[i].manifest.metrics == std::map<std::string, double>{{"loss", 0.5}});
    CHECK(found.generations[i].verified == restored_at);
  }
  CHECK(found.generations[3].manifest.metrics.at("loss") == 1);
  CHECK(found.plain_files == 2);
  CHECK(found.stored_bytes > found.plain_bytes);
}

TEST_CASE("a review tells apart what a restore may use and what not") {
  World world;
  {
    Attempt first(world, 1, keeping(9));
    save(first, 5);
  }
  world.flip_bit(world.own_key(checkpoint::manifest_name(generation(1, 2))));
  REQUIRE(world.files->remove("bucket", world.data_key(generation(1, 3), "model")));
  REQUIRE(LedgerStore(world.store, place_of(world)).quarantine(generation(1, 4), "a flipped bit"));
  CHECK(states(world) == std::vector<std::string>{"1.5 restorable", "1.4 quarantined", "1.3 incomplete", "1.2 damaged",
                                                  "1.1 restorable"});
  CHECK(review_checkpoints(world.store, place_of(world)).value().generations[1].why == "a flipped bit");
  world.location.bucket = "no-such-bucket";
  CHECK(review_checkpoints(world.store, place_of(world)).error().kind == Kind::not_found);
}

TEST_CASE("the newest generation has its number, though its manifest cannot be read") {
  World world;
  {
    Attempt first(world, 1);
    save(first, 2);
  }
  world.flip_bit(world.own_key(checkpoint::manifest_name(generation(1, 2))));
  CHECK(newest_generation(world.store, place_of(world)) == generation(1, 2));
  CHECK(find_generation(world.store, place_of(world), std::nullopt).error().kind == Kind::invalid);
  REQUIRE(LedgerStore(world.store, place_of(world)).quarantine(generation(1, 2), "its manifest is damaged"));
  CHECK(newest_generation(world.store, place_of(world)) == generation(1, 1));
  CHECK(states(world) == std::vector<std::string>{"1.2 quarantined", "1.1 restorable"});
  world.location.key = "nothing/here";
  CHECK(newest_generation(world.store, place_of(world)).error().kind == Kind::not_found);
}

TEST_CASE("a manifest that is gone is not remembered") {
  World world;
  {
    Attempt first(world, 1);
    save(first, 1);
  }
  LedgerStore ledger(world.store, place_of(world));
  REQUIRE(ledger.read_manifest(generation(1, 1)));
  REQUIRE(world.files->remove("bucket", world.own_key(checkpoint::manifest_name(generation(1, 1)))));
  REQUIRE(ledger.read());
  CHECK(ledger.read_manifest(generation(1, 1)).error().kind == Kind::not_found);
}

TEST_CASE("a generation is fetched whole and verified, into a folder or into nothing") {
  World world;
  Attempt first(world, 1, keeping(3));
  first.write("sub/model", "one");
  first.write("empty", "");
  first.link("last", "sub/model");
  REQUIRE(first.settle() == generation(1, 1));
  first.write("sub/model", "second");
  REQUIRE(first.settle() == generation(1, 2));
  ThreadTasks tasks;
  const auto newest = find_generation(world.store, place_of(world), std::nullopt).value();
  CHECK(newest.id == generation(1, 2));
  CountedFolder nowhere;
  REQUIRE(fetch_generation(world.store, place_of(world), newest, nowhere, tasks));
  CHECK(nowhere.bytes() == 6);
  REQUIRE(note_verified(world.store, place_of(world), newest.id));
  CHECK(review_checkpoints(world.store, place_of(world)).value().generations[0].verified);

  const auto older = find_generation(world.store, place_of(world), generation(1, 1)).value();
  CountedFolder into(DiskFolder::open(world.dir / "out").value());
  REQUIRE(fetch_generation(world.store, place_of(world), older, into, tasks));
  CHECK(files_in(world.dir / "out") == Files{{"sub/model", "one"}, {"empty", ""}, {"last", "-> sub/model"}});
  const auto reviewed = review_checkpoints(world.store, place_of(world)).value().generations[0];
  CHECK(reviewed.files == 2);
  CHECK(reviewed.links == 1);

  world.flip_bit(world.data_key(newest.id, "sub/model"));
  const auto bad = fetch_generation(world.store, place_of(world), newest, nowhere, tasks);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().kind == Kind::conflict);
  CHECK(bad.error().message.find("sub/model") != std::string::npos);
  REQUIRE(world.files->remove("bucket", world.data_key(newest.id, "sub/model")));
  CHECK(fetch_generation(world.store, place_of(world), newest, nowhere, tasks).error().kind == Kind::conflict);
  CHECK(find_generation(world.store, place_of(world), generation(7, 1)).error().kind == Kind::not_found);
}

TEST_CASE("pruning an ended job's place leaves what the policy keeps, and it can be restored") {
  World world;
  {
    Attempt first(world, 1, keeping(9));
    save(first, 6);
  }
  const auto policy = checkpoint::RetentionPolicy{.keep = 2, .every = 3};
  const auto plan = plan_prune(world.store, place_of(world), policy, false).value();
  CHECK(plan.kept == std::vector{generation(1, 3), generation(1, 5), generation(1, 6)});
  CHECK(plan.bytes > 0);
  CHECK(states(world).size() == 6);  // a plan changes nothing
  REQUIRE(prune(world.store, place_of(world), plan, world.clock.now()));
  CHECK(states(world) == std::vector<std::string>{"1.6 restorable", "1.5 restorable", "1.3 restorable"});
  CHECK(world.keys(world.own_key("data/")).size() == 3);
  CHECK(plan_prune(world.store, place_of(world), policy, false).value().remove.entries.empty());
  Attempt second(world, 2, keeping(2));
  CHECK(second.restored.generation == generation(1, 6));
}

TEST_CASE("beside a running attempt its base and its own data stay, and it goes on undisturbed") {
  World world;
  {
    Attempt first(world, 1, keeping(9));
    save(first, 3);
  }
  Attempt second(world, 2, keeping(9));
  save(second, 3);
  second.write("model", "not committed yet");
  second.step(milliseconds{400});  // uploaded, perhaps
  const auto plan = plan_prune(world.store, place_of(world), {.keep = 2}, true).value();
  CHECK(plan.kept == std::vector{generation(1, 3), generation(2, 3), generation(2, 4)});
  for (const auto& object : plan.remove.data) CHECK(object.fence == Fence{1});
  // Of the data that its generations 2.1 and 2.2 alone had, all would go.
  CHECK(plan.held_bytes > 0);
  const auto ended = plan_prune(world.store, place_of(world), {.keep = 2}, false).value();
  CHECK(ended.held_bytes == 0);
  CHECK(ended.bytes >= plan.bytes + plan.held_bytes);
  REQUIRE(prune(world.store, place_of(world), plan, world.clock.now()));
  CHECK(second.settle() == generation(2, 5));
  CHECK(second.problems().empty());
  Attempt third(world, 3, keeping(2));
  CHECK(third.restored.generation == generation(2, 5));
  CHECK(third.files().at("model") == "not committed yet");
}

TEST_CASE("beside an attempt that still restores what it chose stays") {
  World world;
  {
    Attempt first(world, 1);
    for (int i = 1; i <= 4; ++i) {
      first.write("model", std::string(static_cast<std::size_t>(i), 'm'));
      REQUIRE(first.settle());
    }
  }
  // The newer ones were on their way when it chose.
  const checkpoint::Manifest opening{
      .job = "job-1", .id = {Fence{2}, 0}, .created = world.clock.now(), .based_on = generation(1, 2), .files = {}};
  REQUIRE(world.files->put_bytes("bucket", world.own_key(checkpoint::manifest_name(opening.id)), encode(opening)));
  const auto kept = [&](bool live) { return plan_prune(world.store, place_of(world), {.keep = 2}, live).value().kept; };
  CHECK(kept(true) == std::vector{generation(1, 2), generation(1, 3), generation(1, 4)});
  CHECK(kept(false) == std::vector{generation(1, 3), generation(1, 4)});
}

TEST_CASE("uploads that were cut off are aborted by the next attempt and by pruning, others only after a day") {
  World world;
  const auto begin = [&](const std::string& key, Duration ago = seconds{1}) {
    world.store.unfinished.emplace_back(key, world.clock.now() - ago);
  };
  const auto left = [&] {
    std::vector<std::string> keys;
    for (const auto& [key, begun] : world.store.unfinished) keys.push_back(key);
    return keys;
  };
  const auto data = [&](std::uint64_t fence) { return world.own_key(checkpoint::data_name({Fence{fence}, 9})); };
  {
    Attempt first(world, 1);
    save(first, 1);
  }
  for (const auto fence : {1, 2, 3}) begin(data(static_cast<std::uint64_t>(fence)));
  // Of the plain view, of another job further down, of somebody else, and one that is old.
  begin("ckpt/job-1/model");
  begin("ckpt/job-1/of/another/.holdfast/" + checkpoint::data_name({Fence{1}, 9}));
  begin("ckpt/job-2/.holdfast/" + checkpoint::data_name({Fence{1}, 9}));
  begin("ckpt/job-1/forgotten", hours{25});
  auto all = left();
  Attempt second(world, 2);
  std::erase(all, data(1));
  std::erase(all, "ckpt/job-1/forgotten");
  CHECK(left() == all);
  save(second, 3);
  // The newest attempt may be at work, or is known to be over.
  auto plan = plan_prune(world.store, place_of(world), {.keep = 2}, true).value();
  CHECK(prune(world.store, place_of(world), plan, world.clock.now()) == 0);
  plan = plan_prune(world.store, place_of(world), {.keep = 2}, false).value();
  CHECK(prune(world.store, place_of(world), plan, world.clock.now()) == 1);
  std::erase(all, data(2));
  CHECK(left() == all);
}

TEST_CASE("a plan made before another attempt started is not carried out") {
  World world;
  {
    Attempt first(world, 1, keeping(9));
    save(first, 4);
  }
  const auto plan = plan_prune(world.store, place_of(world), {.keep = 2}, true).value();
  const Attempt second(world, 2, keeping(9));
  const auto pruned = prune(world.store, place_of(world), plan, world.clock.now());
  REQUIRE_FALSE(pruned);
  CHECK(pruned.error().kind == Kind::conflict);
  CHECK(find_generation(world.store, place_of(world), generation(1, 1)));
}

TEST_CASE("an attempt keeps each Nth generation and the best one, over interruptions") {
  World world;
  const std::vector<double> losses{5, 1, 4, 3, 6, 7, 8};
  std::size_t saved = 0;
  auto options = keeping(2);
  options.retention.every = 3;
  options.retention.best = checkpoint::KeepBest{"loss", false};
  options.metrics = [&] { return std::map<std::string, double>{{"loss", losses[saved]}}; };
  const auto save_next = [&](Attempt& attempt) {
    attempt.write("model", fmt::format("model {}", saved));
    REQUIRE(attempt.settle());
    ++saved;
  };
  for (const std::uint64_t fence : {1, 2}) {
    Attempt attempt(world, fence, options);
    while (saved < (fence == 1 ? 4U : 7U)) save_next(attempt);
  }
  std::vector<std::uint64_t> numbers;
  const auto found = review_checkpoints(world.store, place_of(world)).value();
  for (const auto& one : found.generations) {
    numbers.push_back(one.manifest.number);
  }
  // The newest two, those divisible by three, the second, which was the best, and the fourth, which attempt 2 went on
  // from.
  CHECK(numbers == std::vector<std::uint64_t>{7, 6, 4, 3, 2});
}
