// A program that writes its next checkpoint before the last one is stored. Goal: the last one is saved as it was, and
// never anything that is half of one and half of another.
#include <doctest/doctest.h>

#include <algorithm>

#include "agent/checkpoint_world.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

// `what` happens during each upload of a file, after it was read from.
void during_uploads(World& world, std::function<void()> what) {
  world.store.before = [what = std::move(what)](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (call == "put" && key.find("/data/") != std::string::npos) what();
    return std::nullopt;
  };
}

void save(Attempt& attempt, int step) {
  attempt.rename_in("model.pt", "model of " + std::to_string(step));
  attempt.rename_in("optimizer.pt", "optimizer of " + std::to_string(step));
}

}  // namespace

TEST_CASE("a checkpoint that is replaced during each of its uploads is saved as it was") {
  World world;
  Attempt attempt(world, 1);
  int step = 1;
  save(attempt, step);
  during_uploads(world, [&] { save(attempt, ++step); });
  attempt.step();
  const auto committed = attempt.settle();
  REQUIRE(committed);
  CHECK(step > 2);
  const auto restored = Attempt(world, 2).files();
  const auto& model = restored.at("model.pt");
  CHECK(restored.at("optimizer.pt") == "optimizer of " + model.substr(model.rfind(' ') + 1));
  CHECK(world.plain_view() == restored);
}

TEST_CASE("what is written over during its upload is lost, and only that") {
  World world;
  Attempt attempt(world, 1);
  int step = 1;
  const auto model = [](int of) { return std::string(100'000, 'm') + std::to_string(of); };
  attempt.write("model.pt", model(1));
  during_uploads(world, [&] {
    if (step < 4) attempt.write("model.pt", model(++step));
  });
  attempt.step();
  attempt.step(milliseconds{600});
  CHECK_FALSE(attempt.sync->figures().last);
  for (int i = 0; i < 4; ++i) attempt.settle();
  CHECK(Attempt(world, 2).files() == Files{{"model.pt", model(4)}});
}

TEST_CASE("a quiet that was a pause in the middle of a save makes no checkpoint") {
  World world;
  Attempt attempt(world, 1);
  save(attempt, 1);
  REQUIRE(attempt.settle());
  // The upload of the first file outlasts the pause.
  attempt.rename_in("model.pt", "model of 2");
  bool once = true;
  during_uploads(world, [&] {
    if (std::exchange(once, false)) attempt.rename_in("optimizer.pt", "optimizer of 2");
  });
  CHECK(attempt.settle() == generation(1, 2));
  CHECK_FALSE(once);
  CHECK(Attempt(world, 2).files() == attempt.files());
}

TEST_CASE("what follows a pause in the middle of a save is no other save") {
  World world;
  Attempt attempt(world, 1);
  save(attempt, 1);
  REQUIRE(attempt.settle());
  attempt.rename_in("model.pt", "model of 2");
  bool once = true;
  during_uploads(world, [&] {
    if (!std::exchange(once, false)) return;
    SUBCASE("both files, one of them for the second time") {
      attempt.rename_in("optimizer.pt", "optimizer of 2");
      attempt.rename_in("model.pt", "model of 3");
    }
    SUBCASE("another mode, which replaces nothing") {
      fs::permissions(attempt.dir / "model.pt", fs::perms::owner_all);
      attempt.rename_in("optimizer.pt", "optimizer of 2");
    }
    SUBCASE("another name") {
      fs::create_hard_link(attempt.dir / "model.pt", attempt.dir / "best.pt");
      attempt.rename_in("optimizer.pt", "optimizer of 2");
    }
  });
  attempt.step(milliseconds{100});
  attempt.step(milliseconds{600});
  CHECK_FALSE(once);
  CHECK(attempt.sync->figures().last == generation(1, 1));
  save(attempt, 3);
  CHECK(attempt.settle());
  CHECK(Attempt(world, 2).files() == attempt.files());
}

TEST_CASE("of a program with a folder for each step, one is saved as it was while the next are written") {
  World world;
  Attempt attempt(world, 1);
  int step = 9;
  const auto save_in_a_folder = [&] {
    ++step;
    for (const auto* file : {"model.pt", "optimizer.pt"}) {
      attempt.write(fmt::format("run/checkpoint-{}/{}", step, file), fmt::format("{} of {}", file, step));
    }
    attempt.write("run/latest", std::to_string(step));
    fs::remove_all(attempt.dir / fmt::format("run/checkpoint-{}", step - 1));
  };
  save_in_a_folder();
  bool outruns = true;
  during_uploads(world, [&] {
    if (outruns) save_in_a_folder();
  });
  attempt.step();
  attempt.step(milliseconds{600});
  const auto restored = Attempt(world, 2).files();
  CHECK(step > 10);
  CHECK(restored == Files{{"run/checkpoint-10/model.pt", "model.pt of 10"},
                          {"run/checkpoint-10/optimizer.pt", "optimizer.pt of 10"},
                          {"run/latest", "10"}});
  CHECK(world.plain_view() == restored);
}

TEST_CASE("the other half of a save that came and went during the upload of the first is not overlooked") {
  World world;
  Attempt attempt(world, 1);
  int uploads = 0;
  std::function<void()> then;
  SUBCASE("in a folder for each step") {
    attempt.write("step-1/model.pt", "model of 1");
    then = [&] {
      attempt.write("step-1/optimizer.pt", "optimizer of 1");
      for (const auto* file : {"model", "optimizer"})
        attempt.write(fmt::format("step-2/{}.pt", file), fmt::format("{} of 2", file));
      fs::remove_all(attempt.dir / "step-1");
    };
  }
  SUBCASE("in a new folder in that of the step") {
    attempt.write("step-1/model.pt", "model of 1");
    then = [&] {
      attempt.write("step-1/optimizer/state.pt", "optimizer of 1");
      attempt.write("step-2/model.pt", "model of 2");
      attempt.write("step-2/optimizer/state.pt", "optimizer of 2");
      fs::remove_all(attempt.dir / "step-1");
    };
  }
  SUBCASE("under names that are deleted first") {
    attempt.write("model.pt", "model of 1");
    then = [&] {
      attempt.write("optimizer.pt", "optimizer of 1");
      for (const auto* file : {"model.pt", "optimizer.pt"}) fs::remove(attempt.dir / file);
      attempt.write("model.pt", "model of 2");
    };
  }
  during_uploads(world, [&] {
    if (++uploads == 1) then();
  });
  attempt.step();
  attempt.step(milliseconds{600});
  CHECK(uploads >= 1);
  CHECK_FALSE(attempt.sync->figures().last);
}

TEST_CASE(
    "what is on its way to another name, or still there, while a checkpoint is stored was no other half of that") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("ckpt-1.pt", "1");
  bool once = true;
  std::function<void()> beside = [] {};
  SUBCASE("a file") {}
  SUBCASE("a link that is put in the place of the one before") {
    beside = [&] {
      fs::create_symlink("ckpt-2.pt", attempt.dir / "link.sagemaker-ignore");
      fs::rename(attempt.dir / "link.sagemaker-ignore", attempt.dir / "latest");
    };
  }
  during_uploads(world, [&] {
    if (!std::exchange(once, false)) return;
    attempt.write("ckpt.part", "2");
    fs::rename(attempt.dir / "ckpt.part", attempt.dir / "ckpt-2.pt");
    fs::remove(attempt.dir / "ckpt-1.pt");
    beside();
  });
  attempt.step();
  attempt.step(milliseconds{600});
  CHECK_FALSE(once);
  CHECK(attempt.sync->figures().last == generation(1, 1));
  CHECK(Attempt(world, 2).files() == Files{{"ckpt-1.pt", "1"}});
}

TEST_CASE("a folder that is given its name while the one before is stored was no other half of that") {
  World world;
  Attempt attempt(world, 1);
  const auto save_as = [&](int step) {
    attempt.write("tmp/model", fmt::format("model of {}", step));
    fs::rename(attempt.dir / "tmp", attempt.dir / fmt::format("checkpoint-{}", step));
    attempt.write("latest", std::to_string(step));
    fs::remove_all(attempt.dir / fmt::format("checkpoint-{}", step - 1));
  };
  save_as(1);
  bool once = true;
  during_uploads(world, [&] {
    if (std::exchange(once, false)) save_as(2);
  });
  attempt.step();
  attempt.step(milliseconds{600});
  CHECK_FALSE(once);
  CHECK(attempt.sync->figures().last == generation(1, 1));
  CHECK(Attempt(world, 2).files() == Files{{"checkpoint-1/model", "model of 1"}, {"latest", "1"}});
}

TEST_CASE("what was removed during its upload and has no step in its name is waited for") {
  World world;
  Attempt attempt(world, 1);
  attempt.write("one/model.pt", "model of 1");
  bool once = true;
  during_uploads(world, [&] {
    if (!std::exchange(once, false)) return;
    attempt.write("two/model.pt", "model of 2");
    fs::remove_all(attempt.dir / "one");
  });
  attempt.step();
  attempt.step(milliseconds{600});
  CHECK_FALSE(attempt.sync->figures().last);
  CHECK(attempt.settle());
  CHECK(Attempt(world, 2).files() == Files{{"two/model.pt", "model of 2"}});
}

TEST_CASE("a program that is killed in a save loses no whole checkpoint before it that was being stored") {
  World world;
  Attempt attempt(world, 1);
  save(attempt, 1);
  REQUIRE(attempt.settle());
  bool all_names = false;
  SUBCASE("the next one is there in all its names") { all_names = true; }
  SUBCASE("the next one has just begun") {}
  save(attempt, 2);
  bool once = true;
  during_uploads(world, [&] {
    if (!std::exchange(once, false)) return;
    attempt.rename_in("model.pt", "model of 3");
    if (all_names) attempt.write("optimizer.pt", "half");
    attempt.open.reset();
  });
  attempt.step(milliseconds{600});
  attempt.step(milliseconds{600});
  REQUIRE_FALSE(once);
  const auto end = attempt.flush(true);
  CHECK(end.outcome == FlushOutcome::partial);
  CHECK(end.generation == generation(1, all_names ? 2 : 1));
  CHECK(Attempt(world, 2).files().at("optimizer.pt") == (all_names ? "optimizer of 2" : "optimizer of 1"));
  CHECK(Attempt(world, 3).files().at("model.pt") == (all_names ? "model of 2" : "model of 1"));
}

TEST_CASE("what a manifest without an answer names is not cleaned away: it may still arrive") {
  World world;
  Attempt attempt(world, 1);
  world.store.before = [](std::string_view call, const std::string&) -> std::optional<Error> {
    if (call != "remove") return std::nullopt;
    return Error{Kind::try_again, "not now"};
  };
  for (int step = 1; step <= 5; ++step) {
    save(attempt, step);
    REQUIRE(attempt.settle());
  }
  // There is something to clean up, and all of the next save is replaced while its manifest is on its way.
  save(attempt, 6);
  std::vector<std::string> stored;
  int refused = 0;
  world.store.before = [&](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (call == "put" && key.find("/data/") != std::string::npos && stored.empty()) save(attempt, 7);
    if (call == "remove" && refused < 2) return Error{Kind::try_again, "not now"};
    if (call != "put" || key.find("/ledger/") == std::string::npos) return std::nullopt;
    if (++refused == 1) stored = world.keys(world.own_key("data/"));
    return Error{Kind::try_again, "no answer"};
  };
  for (int i = 0; i < 6; ++i) attempt.settle(seconds{3});
  REQUIRE(stored.size() >= 12);
  const auto now = world.keys(world.own_key("data/"));
  for (const auto& object : stored) CHECK(std::ranges::count(now, object) == 1);
  // And later it is.
  world.store.before = nullptr;
  REQUIRE(attempt.settle(seconds{3}));
  CHECK(world.keys(world.own_key("data/")).size() < now.size());
}

TEST_CASE("a store in trouble is not told of an old checkpoint where there is a newer one") {
  World world;
  Attempt attempt(world, 1);
  save(attempt, 1);
  int refused = 0;
  world.store.before = [&](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (call != "put" || key.find("/data/") == std::string::npos || refused > 0) return std::nullopt;
    ++refused;
    save(attempt, 2);
    return Error{Kind::try_again, "503 SlowDown"};
  };
  attempt.step();
  attempt.settle(seconds{3});
  CHECK(refused == 1);
  CHECK(Attempt(world, 2).files() == attempt.files());
  CHECK(attempt.files().at("model.pt") == "model of 2");
}
