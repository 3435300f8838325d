// P1 and P2: what bends them is noticed.
#include <doctest/doctest.h>

#include "sim/story.hpp"

using namespace holdfast;
using namespace holdfast::sim;
using namespace holdfast::sim::test;

namespace {

void tell(Story& story, const std::string& status, const std::string& secondary) {
  story.tell(Described{JobName{"a"}, status, secondary, story.now()});
}

}  // namespace

// ---- P1

TEST_CASE("P1: a job that was accepted and then is not there") {
  Story story = one_hour().finish("a", 1);
  story.jobs.clear();
  CHECK(catches(story, "P1", "a was accepted, but is not in the store"));
}

TEST_CASE("P1: a job that nobody created") {
  Story story = one_hour().finish("a", 1);
  story.jobs[JobName{"b"}] = story.jobs.at(JobName{"a"});
  CHECK(catches(story, "P1", "b is in the store, but nobody"));
}

TEST_CASE("P1: an answer that came before the commit") {
  Story story;
  story.create("a");
  std::swap(story.records[1], story.records[2]);
  CHECK(catches(story, "P1", "accepted before it was stored"));
}

TEST_CASE("P1: a name that is given away twice") {
  Story story = one_hour();
  story.tell(story.last<Accepted>()).finish("a", 1);
  CHECK(catches(story, "P1", "accepted twice"));
}

TEST_CASE("P1: a job that never ends") { CHECK(catches(one_hour(), "P1", "a never ended: it is Training")); }

TEST_CASE("P1: a job that had ended and lives again") {
  Story story = one_hour().finish("a", 1);
  const auto before = story.job("a");
  story.tell(story.last<Decided>());
  story.last<Decided>().version += 1;
  story.bend([](job::Job& job) {
    job.version += 1;
    job.state = job::Waiting{};
    job.transitions.push_back({job::Secondary::Starting, job.booked_until, {}, ""});
  });
  CHECK(catches(story, "P1", "had ended as Completed and is Waiting again"));
}

TEST_CASE("P1: a job that ends twice, in two ways") {
  Story story = one_hour().finish("a", 1);
  story.tell(story.last<Decided>());
  story.last<Decided>().version += 1;
  story.bend([](job::Job& job) {
    job.version += 1;
    job.state = job::Ended{job::Secondary::Failed, "no"};
    job.transitions.back().status = job::Secondary::Failed;
  });
  CHECK(catches(story, "P1", "had ended as Completed and ends again as Failed"));
}

TEST_CASE("P1: a decision that is lost, or stored twice") {
  Story story = one_hour();
  SUBCASE("lost") {
    story.decide("a", job::CheckpointSaved{Fence{1}, gen(1, 3)}).drop_last().finish("a", 1);
    CHECK(catches(story, "P1", "version 9 follows version 7"));
  }
  SUBCASE("twice") {
    story.tell(story.last<Decided>()).finish("a", 1);
    CHECK(catches(story, "P1", "version 7 follows version 7"));
  }
}

TEST_CASE("P1: Describe says what is not stored") {
  Story story = one_hour();
  SUBCASE("another status") { tell(story, "InProgress", "Uploading"); }
  SUBCASE("an end that may still be lost") { tell(story, "Completed", "Completed"); }
  SUBCASE("an older one") { tell(story, "InProgress", "Downloading"); }
  SUBCASE("a word that does not go with the other") { tell(story, "Stopping", "Training"); }
  SUBCASE("an answer that nobody was ever due") {
    story.tell(Described{JobName{"a"}, "InProgress", "Interrupted", std::nullopt});
  }
  CHECK(catches(story.finish("a", 1), "P1", "but was stored as InProgress/Training"));
}

TEST_CASE("P1: Describe goes back from a final status") {
  Story story = one_hour().finish("a", 1).describe("a").wait(seconds{1});
  tell(story, "InProgress", "Uploading");
  CHECK(catches(story, "P1", "described as InProgress/Uploading, but was stored as Completed/Completed"));
}

TEST_CASE("P1: an answer that was long on its way tells of then") {
  Story story = one_hour();
  const Instant asked = story.now();
  story.wait(seconds{5}).finish("a", 1).tell(Described{JobName{"a"}, "InProgress", "Training", asked});
  story.tell(Described{JobName{"a"}, "InProgress", "Downloading", std::nullopt});
  CHECK(holds(story));
}

TEST_CASE("P1: the store holds another job in the end than was decided last") {
  Story story = one_hour();
  const auto old = story.jobs;
  story.finish("a", 1);
  story.jobs = old;
  CHECK(catches(story, "P1", "but version 9, Ended, was decided last"));
}

TEST_CASE("P1: a status that does not fit the state") {
  Story story = one_hour().bend([](job::Job& job) { job.transitions.back().status = job::Secondary::Interrupted; });
  CHECK(catches(story, "P1", "shows Interrupted in state Training"));
}

// ---- P2

TEST_CASE("P2: a fence that is given out twice, or out of order") {
  Story story = one_hour();
  story.create("b");
  SUBCASE("twice") {
    story.lease("b", 1);
    CHECK(catches(story, "P2", "b: fence 1 is given out after fence 1"));
  }
  SUBCASE("out of order") {
    story.lose("a", 1).wait(seconds{1}).lease("a", 3).lease("b", 2);
    CHECK(catches(story, "P2", "b: fence 2 is given out after fence 3"));
  }
}

TEST_CASE("P2: a placement that is stored with another fence") {
  Story story;
  story.create("a").decide("a", job::Placed{Fence{5}, {}});
  story.bend([](job::Job& job) { std::get<job::Launching>(job.state).attempt.fence = Fence{4}; });
  CHECK(catches(story, "P2", "placed with fence 5, but its attempt has fence 4"));
}

TEST_CASE("P2: an older attempt that is heard") {
  Story story = one_hour();
  story.lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2, gen(1, 2), 20);
  story.decide("a", job::CheckpointSaved{Fence{2}, gen(2, 1)});
  story.last<Decided>().event = job::CheckpointSaved{Fence{1}, gen(1, 9)};
  CHECK(catches(story, "P2", "CheckpointSaved of fence 1 was heeded, though fence 2 is the current one"));
}

TEST_CASE("P2: an attempt that nobody placed writes to the ledger") {
  Story story = one_hour();
  SUBCASE("opens it") { story.open("a", 7, gen(1, 2)); }
  SUBCASE("commits") { story.store("a", 7, 1, 30); }
  CHECK(catches(story, "P2", "but was never placed"));
}

TEST_CASE("P2: an attempt of one job writes for another") {
  Story story = one_hour();
  story.create("b").store("b", 1, 3, 30);
  CHECK(catches(story, "P2", "b: attempt 1 committed a generation, but belongs to a"));
}

TEST_CASE("P2: a number that is used again") {
  Story story = one_hour();
  SUBCASE("the same") { story.store("a", 1, 2, 25); }
  SUBCASE("an older one") { story.store("a", 1, 1, 25); }
  CHECK(catches(story, "P2", "was stored twice"));
}

TEST_CASE("P2: a zombie's generation that is gone on from") {
  Story story = one_hour();
  story.lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2, gen(1, 2), 20);
  story.store("a", 1, 3, 25).lose("a", 2).wait(seconds{1}).lease("a", 3);
  SUBCASE("as the opening says") { story.open("a", 3, gen(1, 3)); }
  SUBCASE("whatever the opening says") {
    story.open("a", 3, gen(1, 2)).tell(Restored{JobName{"a"}, Fence{3}, gen(1, 3)});
  }
  CHECK(catches(story, "P2", "attempt 3 goes on from 1-3, which came after attempt 2 had opened the ledger"));
}

TEST_CASE("P2: what an attempt chooses again counts, with what came before it and not with what came after") {
  Story story = one_hour();
  story.lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2, gen(1, 2), 20);
  story.store("a", 1, 4, 26).store("a", 1, 3, 25).store("a", 1, 5, 27).open("a", 2, gen(1, 4));
  story.lose("a", 2).wait(seconds{1}).lease("a", 3);
  SUBCASE("chosen") { story.open("a", 3, gen(1, 4)); }
  SUBCASE("before it") { story.open("a", 3, gen(1, 3)); }
  SUBCASE("after it") {
    story.open("a", 3, gen(1, 5));
    CHECK(catches(story, "P2", "attempt 3 goes on from 1-5, which came after attempt 2 had opened the ledger"));
    return;
  }
  CHECK_FALSE(catches(story, "P2", "which came after attempt 2 had opened the ledger"));
}

TEST_CASE("P2: whichever of its choices an attempt's record names counts, with what came before it") {
  Story story = one_hour();
  story.lose("a", 1).wait(seconds{1}).lease("a", 2).open("a", 2, gen(1, 2));
  story.lose("a", 2).wait(seconds{1}).lease("a", 3).open("a", 3, gen(1, 2));
  // 4 chose what 2 had put late, then what 3 had; then the record of its first choice came, and it was gone.
  story.store("a", 2, 1, 20).lose("a", 3).wait(seconds{1}).lease("a", 4).open("a", 4, gen(2, 1));
  story.store("a", 3, 1, 20).open("a", 4, gen(3, 1));
  story.tell(GenerationStored{JobName{"a"}, Fence{4}, 1, true, 20, gen(2, 1)});
  story.store("a", 1, 3, 25).lose("a", 4).wait(seconds{1}).lease("a", 5);
  SUBCASE("its first choice") { CHECK_FALSE(catches(story.open("a", 5, gen(2, 1)), "P2", "had opened the ledger")); }
  SUBCASE("what none of them names") {
    CHECK(catches(story.open("a", 5, gen(1, 3)), "P2", "goes on from 1-3, which came after attempt"));
  }
}

TEST_CASE("P2: an opening that can no longer be read bars nothing, whatever comes when") {
  Story story = one_hour();
  story.lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2, gen(1, 2), 20);
  const auto damage = [&] { story.tell(GenerationSpoilt{JobName{"a"}, Fence{2}, 0}); };
  SUBCASE("damaged before it") {
    damage();
    story.store("a", 1, 3, 25);
  }
  SUBCASE("damaged after it") {
    story.store("a", 1, 3, 25);
    damage();
  }
  SUBCASE("cleaned away by who has taken over") {
    story.tell(GenerationRemoved{JobName{"a"}, Fence{2}, 0});
    story.store("a", 1, 3, 25);
  }
  SUBCASE("and the next one speaks for what lies between it and its own base") {
    story.store("a", 2, 1, 20).lose("a", 2).wait(seconds{1}).lease("a", 3).open("a", 3, gen(2, 1));
    damage();
    story.store("a", 1, 3, 25).lose("a", 3).wait(seconds{1}).lease("a", 4).open("a", 4, gen(1, 3));
    CHECK_FALSE(catches(story, "P2", "goes on from 1-3"));
    return;
  }
  story.lose("a", 2).wait(seconds{1}).lease("a", 3).open("a", 3, gen(1, 3));
  CHECK_FALSE(catches(story, "P2", "which came after attempt 2 had opened the ledger"));
}

TEST_CASE("P2: a generation of a newer attempt that is gone on from") {
  Story story = one_hour();
  story.lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2, gen(1, 2), 20).save("a", 2, 1, 30);
  CHECK(catches(story.tell(Restored{JobName{"a"}, Fence{1}, gen(2, 1)}), "P2", "of a newer one"));
}
