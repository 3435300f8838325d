// An attempt's connection to the object store breaks at every operation, before it or with its answer lost. The next
// attempt gets a whole generation, none older than the newest that was told of, byte for byte; and whatever the old one
// still does when its connection is back changes nothing. Nor does it if it only slept there meanwhile.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>

#include "crash/checkpointing.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

const std::string kLong(5000, 'l');

struct Script {
  const char* name;
  std::size_t keep;
  // What came before, over connections that hold.
  std::function<void(CheckpointStory&)> before;
  // What the attempt under test does, once it has started.
  std::function<void(CheckpointAttempt&)> act;
};

void two_generations(CheckpointStory& story) {
  CheckpointAttempt first(story, {});
  REQUIRE(first.start());
  first.write("a", "a of the first");
  first.write("d/b", kLong);
  first.settle();
  first.write("a", "a of the second");
  first.settle();
  REQUIRE(story.newest.sequence == 2);
}

// Of one file, so that no other download is cut off by a bad one, now earlier and now later.
void two_small_generations(CheckpointStory& story) {
  CheckpointAttempt first(story, {});
  REQUIRE(first.start());
  for (const auto* bytes : {"a of the first", "a of the second"}) {
    first.write("a", bytes);
    first.settle();
  }
  REQUIRE(story.newest.sequence == 2);
}

void goes_on(CheckpointAttempt& attempt) {
  attempt.write("c", "c of the next attempt");
  attempt.remove("a");
  attempt.settle();
  attempt.write("c", "c again");
  attempt.settle();
}

const Script kScripts[] = {
    {"a first save", 3, [](CheckpointStory&) {},
     [](CheckpointAttempt& attempt) {
       attempt.write("weights", kLong);
       attempt.write("state/step", "1");
       attempt.settle();
     }},
    {"many generations, with deletions, renames and retention", 2, [](CheckpointStory&) {},
     [](CheckpointAttempt& attempt) {
       attempt.write("a", "a1");
       attempt.write("d/b", "b1");
       attempt.settle();
       attempt.write("a", "a2");
       attempt.settle();
       attempt.rename("d/b", "e/b");
       attempt.settle();
       attempt.write("c", kLong);
       attempt.remove("a");
       attempt.settle();
       attempt.write("c", "c5");
       attempt.settle();
     }},
    {"a restore, and going on", 2, two_generations, goes_on},
    {"a restore behind a damaged generation", 2,
     [](CheckpointStory& story) {
       two_small_generations(story);
       story.damage_newest();
     },
     goes_on},
    {"a prefix that Holdfast did not write", 3,
     [](CheckpointStory& story) {
       REQUIRE(story.objects->put_bytes("bucket", "ckpt/job-1/a", "a by hand"));
       REQUIRE(story.objects->put_bytes("bucket", "ckpt/job-1/d/b", kLong));
       story.states.insert({{"a", "a by hand"}, {"d/b", kLong}});
     },
     goes_on},
    {"the last flush of a program that ended", 3, two_generations,
     [](CheckpointAttempt& attempt) {
       attempt.write("a", "the last a");
       attempt.write("new", kLong);
       attempt.remove("d/b");
       attempt.flush(false);
     }},
    {"the last flush of a program that was killed", 3, two_generations,
     [](CheckpointAttempt& attempt) {
       attempt.write("a", "an a in between");
       attempt.settle();
       attempt.write("a", "the last a");
       attempt.flush(true);
     }},
};

// Something else than ever was, so that it would be seen if it counted.
void haunt(CheckpointAttempt& zombie, int time) {
  zombie.connection().mend();
  if (!zombie.started()) {
    const auto refused = zombie.start();
    REQUIRE(!refused);
    CHECK(refused.error().kind == Kind::conflict);
    return;
  }
  zombie.write("a", fmt::format("a zombie's {}", time));
  zombie.write(fmt::format("zombie-{}", time), kLong);
  zombie.settle();
  zombie.flush(false);
}

// The number of operations of the attempt under test; the calls of an undisturbed one are added to `calls`.
std::size_t tell(const Script& script, Break when, std::map<std::string, std::size_t>* calls) {
  CheckpointStory story;
  script.before(story);
  CheckpointAttempt broken(story, std::move(when), script.keep);
  if (broken.start()) script.act(broken);
  const auto operations = broken.connection().operations();
  if (calls != nullptr) {
    for (const auto& [call, count] : broken.connection().calls()) (*calls)[call] += count;
  }

  CheckpointAttempt next(story, {});
  const auto started = next.start();
  REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
  check_restored(story, next);
  haunt(broken, 2);

  CheckpointAttempt again(story, {});
  REQUIRE(again.start());
  CHECK(again.restored().generation == next.adopted());
  CHECK(again.restored().quarantined.empty());
  CHECK_MESSAGE(again.files() == next.files(), "a zombie changed what is restored");
  again.write("of the living", "new");
  again.settle();
  const auto saved = story.newest;
  CHECK(saved.fence.value == story.fences);
  haunt(broken, 2);
  haunt(next, 3);

  CheckpointAttempt last(story, {});
  REQUIRE(last.start());
  CHECK(last.restored().generation == saved);
  CHECK(last.restored().quarantined.empty());
  CHECK(last.files() == story.generations.at(saved));
  return operations;
}

// The attempt under test sleeps before an operation, and then goes on with its script as if nothing had happened.
// Meanwhile the next attempt restores, and perhaps saves.
void tell_of_sleep(const Script& script, std::size_t at, bool saves) {
  CheckpointStory story;
  script.before(story);
  std::unique_ptr<CheckpointAttempt> next;
  const auto meanwhile = [&] {
    next = std::make_unique<CheckpointAttempt>(story, Break{}, script.keep);
    const auto started = next->start();
    REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
    check_restored(story, *next);
    for (int i = 0; saves && i < 3; ++i) {
      next->write("of the living", std::to_string(i));
      next->settle();
    }
  };
  CheckpointAttempt sleeper(story, {.at = at, .done = false, .meanwhile = meanwhile}, script.keep);
  if (sleeper.start()) script.act(sleeper);
  REQUIRE(next);
  const auto files = next->files();
  const auto held = saves ? std::optional(story.newest) : next->adopted();
  if (saves) CHECK(story.newest.fence.value == story.fences);

  CheckpointAttempt last(story, {});
  REQUIRE(last.start());
  CHECK(last.restored().generation == held);
  CHECK(last.restored().quarantined.empty());
  CHECK_MESSAGE(last.files() == files, "what slept has changed what is restored");
}

// The next attempt takes its time to start, and the old one saves meanwhile: once, or so often that what the next one
// has chosen is removed. The number of operations of the start.
std::size_t tell_of_slow_start(std::size_t at, int saves) {
  CheckpointStory story;
  CheckpointAttempt old(story, {}, 2);
  REQUIRE(old.start());
  for (int i = 0; i < 2; ++i) {
    old.write("a", fmt::format("a{}", i));
    old.settle();
  }
  const auto meanwhile = [&] {
    for (int i = 2; i < 2 + saves; ++i) {
      old.write("a", fmt::format("a{}", i));
      old.settle();
    }
  };
  CheckpointAttempt next(story, {.at = at, .done = false, .meanwhile = meanwhile}, 2);
  const auto started = next.start();
  REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
  check_restored(story, next);
  const auto operations = next.connection().operations();
  meanwhile();

  CheckpointAttempt last(story, {});
  REQUIRE(last.start());
  CHECK(last.restored().generation == next.adopted());
  CHECK(last.restored().quarantined.empty());
  CHECK(last.files() == next.files());
  return operations;
}

// The next attempt dies in the middle of its start, with a request under way. The old one saves meanwhile, and only
// then the request takes effect. The number of operations of the start.
std::size_t tell_of_late_request(std::size_t at, int saves_before) {
  CheckpointStory story;
  CheckpointAttempt old(story, {}, 2);
  REQUIRE(old.start());
  const auto save = [&] {
    old.write("a", fmt::format("a, as after {}", story.newest.sequence));
    old.settle();
  };
  for (int i = 0; i < saves_before; ++i) save();
  CheckpointAttempt next(story, {.at = at, .done = true, .meanwhile = save}, 2);
  static_cast<void>(next.start());

  CheckpointAttempt last(story, {});
  const auto started = last.start();
  REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
  check_restored(story, last);
  return next.connection().operations();
}

// Tells the story undisturbed (at operation 0), then disturbed at each of its operations; how often that was.
std::size_t at_each_operation(std::size_t (*tell)(std::size_t at, int saves), std::initializer_list<int> all_saves) {
  std::size_t all = 0;
  for (const int saves : all_saves) {
    const auto operations = tell(0, saves);
    for (std::size_t k = 1; k <= operations; ++k, ++all) {
      CAPTURE(k);
      CAPTURE(saves);
      tell(k, saves);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("wherever an attempt dies while it starts, what the one before it was told is saved meanwhile counts") {
  MESSAGE("ledger: " << at_each_operation(tell_of_late_request, {0, 1, 2}) << " requests under way at a death");
}

TEST_CASE("wherever an attempt is slow to start, it gets what the one before it was told is saved meanwhile") {
  MESSAGE("ledger: " << at_each_operation(tell_of_slow_start, {1, 2, 3}) << " slow starts");
}

TEST_CASE("wherever an attempt sleeps while the next one takes over, what it does when it wakes changes nothing") {
  std::size_t all = 0;
  for (const auto& script : kScripts) {
    const std::string name = script.name;
    CAPTURE(name);
    const auto operations = tell(script, {}, nullptr);
    for (std::size_t k = 1; k <= operations; ++k) {
      for (const bool saves : {false, true}) {
        CAPTURE(k);
        CAPTURE(saves);
        tell_of_sleep(script, k, saves);
        ++all;
      }
    }
  }
  MESSAGE("ledger: " << all << " sleeps");
}

TEST_CASE(
    "wherever an attempt loses its store, the next one restores all that was committed, and zombies change nothing") {
  std::size_t all = 0;
  for (const auto& script : kScripts) {
    const std::string name = script.name;
    CAPTURE(name);
    std::map<std::string, std::size_t> calls;
    const auto operations = tell(script, {}, &calls);
    for (std::size_t k = 1; k <= operations; ++k) {
      for (const bool done : {false, true}) {
        CAPTURE(k);
        CAPTURE(done);
        tell(script, {.at = k, .done = done}, nullptr);
        ++all;
      }
    }
    std::string counts;
    for (const auto& [call, count] : calls) counts += fmt::format(", {} {}", count, call);
    MESSAGE("ledger: " << name << ": " << operations << " operations" << counts);
  }
  MESSAGE("ledger: " << all << " breaks in all");
}
