// P3 and P4: what bends them is noticed.
#include <doctest/doctest.h>

#include "sim/story.hpp"

using namespace holdfast;
using namespace holdfast::sim;
using namespace holdfast::sim::test;

namespace {

const JobName kA{"a"};

// One hour of work, then the instance is lost and the next one is there.
Story second_attempt() {
  Story story = one_hour();
  story.lose("a", 1).wait(seconds{1}).lease("a", 2);
  return story;
}

}  // namespace

// ---- P3

TEST_CASE("P3: an older generation than the newest") {
  Story story = second_attempt().begin("a", 2, gen(1, 1), 10).finish("a", 2);
  CHECK(catches(story, "P3", "attempt 2 restored 1-1, but the newest generation that counts is 1-2"));
}

TEST_CASE("P3: nothing, where there is something") {
  CHECK(catches(second_attempt().begin("a", 2), "P3", "attempt 2 restored nothing, but the newest"));
}

TEST_CASE("P3: a generation that was never completely written") {
  Story story = one_hour();
  story.store("a", 1, 3, 30).last<GenerationStored>().whole = false;
  SUBCASE("in the ledger") {
    story.finish("a", 1);
    CHECK(catches(story, "P3", "generation 1-3 is in the ledger, but its files are not all in the store"));
  }
  SUBCASE("restored") {
    story.lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2, gen(1, 3), 30);
    CHECK(catches(story, "P3", "attempt 2 restored 1-3, which was never completely written"));
  }
}

TEST_CASE("P3: a damaged generation that is restored all the same") {
  Story story = one_hour().tell(GenerationSpoilt{kA, Fence{1}, 2}).lose("a", 1).wait(seconds{1}).lease("a", 2);
  CHECK(catches(story.begin("a", 2, gen(1, 2), 20), "P3", "restored 1-2, which was damaged or in quarantine before"));
}

TEST_CASE("P3: a generation that is damaged while it is restored may have been read before") {
  Story story = second_attempt().tell(GenerationSpoilt{kA, Fence{1}, 2}).begin("a", 2, gen(1, 2), 20);
  CHECK_FALSE(catches(story, "P3", "restored 1-2, which was damaged or in quarantine before"));
}

TEST_CASE("P3: a generation in quarantine that is restored all the same") {
  Story story = second_attempt().tell(GenerationSpoilt{kA, Fence{1}, 2}).open("a", 2, gen(1, 2));
  story.tell(Quarantined{kA, Fence{2}, gen(1, 2)}).begin("a", 2, gen(1, 2), 20);
  CHECK(catches(story, "P3", "restored 1-2, which was damaged or in quarantine before"));
}

TEST_CASE("P3: a generation that is not there") {
  CHECK(catches(second_attempt().begin("a", 2, gen(1, 9), 20), "P3", "restored 1-9, which is not in the ledger"));
}

TEST_CASE("P3: a good generation that is thrown away") {
  Story story = second_attempt().open("a", 2, gen(1, 2)).tell(Quarantined{kA, Fence{2}, gen(1, 2)});
  CHECK(catches(story.begin("a", 2, gen(1, 1), 10), "P3", "1-2 was put in quarantine, but nothing is wrong with it"));
}

TEST_CASE("P3: one that came after its successor may have lost what it names to a clean-up") {
  Story story = one_hour().store("a", 1, 4, 40).store("a", 1, 3, 30).lose("a", 1).wait(seconds{1}).lease("a", 2);
  story.open("a", 2, gen(1, 4)).tell(Quarantined{kA, Fence{2}, gen(1, 3)});
  SUBCASE("thrown away") { CHECK_FALSE(catches(story, "P3", "nothing is wrong with it")); }
  SUBCASE("but not its successor") {
    story.tell(Quarantined{kA, Fence{2}, gen(1, 4)});
    CHECK(catches(story, "P3", "1-4 was put in quarantine, but nothing is wrong with it"));
  }
}

TEST_CASE("P3: damaged before, but copied before that") {
  Story story = second_attempt().open("a", 2, gen(1, 2)).store("a", 2, 1, 20).tell(GenerationSpoilt{kA, Fence{1}, 2});
  story.tell(Quarantined{kA, Fence{2}, gen(1, 2)}).open("a", 2, gen(1, 2));
  SUBCASE("the copy is whole") {
    story.program("a", 2, gen(1, 2), 20);
    CHECK_FALSE(catches(story, "P3", "restored 1-2, which was damaged or in quarantine before"));
  }
  SUBCASE("the copy is damaged as well") {
    story.tell(GenerationSpoilt{kA, Fence{2}, 1}).program("a", 2, gen(1, 2), 20);
    CHECK(catches(story, "P3", "restored 1-2, which was damaged or in quarantine before"));
  }
}

TEST_CASE("P3: another generation than the opening says") {
  Story story = second_attempt().open("a", 2, gen(1, 2)).program("a", 2, gen(1, 1), 10);
  CHECK(catches(story, "P3", "restored 1-1, but opened the ledger to go on from 1-2"));
}

TEST_CASE("P3: an attempt that began anew, whose first opening took effect last") {
  // It had found all generations damaged.
  Story story = second_attempt().open("a", 2, gen(1, 2)).tell(GenerationSpoilt{kA, Fence{1}, 2});
  story.tell(GenerationSpoilt{kA, Fence{1}, 1}).tell(Quarantined{kA, Fence{2}, gen(1, 2)});
  story.tell(Quarantined{kA, Fence{2}, gen(1, 1)}).open("a", 2).open("a", 2, gen(1, 2));
  SUBCASE("nothing") {
    story.program("a", 2, gen(1, 2), 0).finish("a", 2);
    CHECK_FALSE(catches(story, "P3", ""));
  }
  SUBCASE("nothing, and nobody knows what was in what was damaged") {
    for (auto& record : story.records) {
      if (auto* stored = std::get_if<GenerationStored>(&record.what); stored && stored->sequence == 2)
        stored->step.reset();
    }
    story.program("a", 2, gen(1, 2), 0).finish("a", 2);
    CHECK_FALSE(catches(story, "P3", ""));
  }
  SUBCASE("what was damaged") {
    story.program("a", 2, gen(1, 2), 20);
    CHECK(catches(story, "P3", "restored 1-2, which was damaged or in quarantine before"));
  }
  SUBCASE("what was never chosen") {
    story.program("a", 2, gen(1, 2), 10);
    CHECK(catches(story, "P3", "finds step 10, but generation 1-2 holds step 20"));
  }
}

TEST_CASE("P3: a restore without an opening") {
  CHECK(catches(second_attempt().program("a", 2, gen(1, 2), 20), "P3", "which it never said that it would"));
}

TEST_CASE("P3: what a zombie committed is not the newest, and what it hides is") {
  Story story = second_attempt().begin("a", 2, gen(1, 2), 20).store("a", 1, 3, 25).save("a", 2, 1, 30);
  story.lose("a", 2).wait(seconds{1}).lease("a", 3);
  SUBCASE("the zombie's") { story.begin("a", 3, gen(1, 3), 25); }
  SUBCASE("what the newest attempt went on from") { story.begin("a", 3, gen(1, 2), 20); }
  CHECK(catches(story, "P3", "but the newest generation that counts is 2-1"));
}

TEST_CASE("P3: what an attempt that only opened had passed over counts, and what one that began anew had does not") {
  Story story;
  story.create("a").lease("a", 1).begin("a", 1).lose("a", 1).wait(seconds{1}).lease("a", 2).open("a", 2);
  SUBCASE("it died then") {
    story.store("a", 1, 1, 10).lose("a", 2).wait(seconds{1}).lease("a", 3).begin("a", 3, gen(1, 1), 10);
    CHECK_FALSE(catches(story, "P3", ""));
    CHECK_FALSE(catches(story, "P2", ""));
  }
  SUBCASE("it began anew") {
    story.tell(BeganAnew{kA, Fence{2}}).program("a", 2, {}, 0).store("a", 1, 1, 10);
    story.lose("a", 2).wait(seconds{1}).lease("a", 3).begin("a", 3, gen(1, 1), 10);
    CHECK(catches(story, "P3", "attempt 3 restored 1-1, but the newest generation that counts is nothing"));
    CHECK(catches(story, "P2", "attempt 3 goes on from 1-1, which came after attempt 2 had opened the ledger"));
  }
}

TEST_CASE("P3: an opening that comes late is no new choice, and one that is put again is") {
  Story story;
  story.create("a").lease("a", 1).begin("a", 1).lose("a", 1).wait(seconds{1}).lease("a", 2).open("a", 2);
  story.store("a", 1, 1, 10).open("a", 2);
  bool late = false;
  SUBCASE("put again") {}
  SUBCASE("late") { late = true; }
  story.last<AttemptOpened>().late = late;
  story.program("a", 2, {}, 0);
  CHECK(catches(story, "P3", "attempt 2 restored nothing, but the newest generation that counts is 1-1") != late);
}

TEST_CASE("P3: the program finds something else than was restored") {
  Story story = second_attempt().begin("a", 2, gen(1, 2), 20);
  SUBCASE("another step") {
    story.last<ProgramBegan>().found.step = 15;
    CHECK(catches(story, "P3", "finds step 15, but generation 1-2 holds step 20"));
  }
  SUBCASE("nothing") {
    story.last<ProgramBegan>().found.step.reset();
    CHECK(catches(story, "P3", "finds step 0, but generation 1-2 holds step 20"));
  }
  SUBCASE("files of several steps") {
    story.last<ProgramBegan>().found = {std::nullopt, true};
    CHECK(catches(story, "P3", "finds a torn checkpoint"));
  }
}

TEST_CASE("P3: something is found where nothing was restored") {
  Story story;
  story.create("a").lease("a", 1).begin("a", 1, {}, 5).finish("a", 1);
  CHECK(catches(story, "P3", "finds step 5, but nothing was restored"));
}

// ---- P4

TEST_CASE("P4: the next attempt finds less than was announced") {
  CHECK(catches(second_attempt().begin("a", 2, gen(1, 1), 10), "P4",
                "attempt 2 finds step 10, but step 20 was saved in generation 1-2"));
}

TEST_CASE("P4: the next attempt finds nothing") {
  CHECK(catches(second_attempt().begin("a", 2), "P4", "attempt 2 finds step 0, but step 20"));
}

TEST_CASE("P4: a clean-up takes the newest away") {
  Story story = second_attempt().tell(GenerationRemoved{kA, Fence{1}, 2}).begin("a", 2, gen(1, 1), 10);
  CHECK(catches(story, "P4", "generation 1-2 was cleaned away, and only 0 newer contents were ever stored"));
}

TEST_CASE("P4: the damage of one generation excuses no more than that") {
  Story story = second_attempt().tell(GenerationSpoilt{kA, Fence{1}, 2}).open("a", 2, gen(1, 2));
  story.tell(Quarantined{kA, Fence{2}, gen(1, 2)}).begin("a", 2);
  CHECK(catches(story, "P4", "attempt 2 finds step 0, but step 10 was saved in generation 1-1"));
}

TEST_CASE("P4: what an attempt went on from is kept, announced or not") {
  Story story = one_hour();
  story.store("a", 1, 3, 30).lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2, gen(1, 3), 30);
  story.lose("a", 2).wait(seconds{1}).lease("a", 3).begin("a", 3, gen(1, 2), 20);
  CHECK(catches(story, "P4", "attempt 3 finds step 20, but step 30 was saved in generation 1-3"));
}

TEST_CASE("P4: what an attempt went on from is known by what that attempt stored, and lost with it") {
  Story story =
      one_hour().store("a", 1, 3, 30).lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2, gen(1, 3), 30);
  SUBCASE("it is there") {
    story.tell(GenerationRemoved{kA, Fence{1}, 3});
    CHECK(catches(story, "P4", "generation 1-3 was cleaned away"));
  }
  SUBCASE("it is damaged") {
    story.tell(GenerationSpoilt{kA, Fence{2}, 0}).tell(GenerationRemoved{kA, Fence{1}, 3});
    CHECK_FALSE(catches(story, "P4", "generation 1-3 was cleaned away"));
  }
}

TEST_CASE("P4: what an attempt says of its restore is lost when its record was damaged before it said so") {
  Story story = one_hour().store("a", 1, 3, 30).lose("a", 1).wait(seconds{1}).lease("a", 2).open("a", 2, gen(1, 3));
  bool damaged = false;
  SUBCASE("damaged") { damaged = true; }
  SUBCASE("whole") {}
  if (damaged) story.tell(GenerationSpoilt{kA, Fence{2}, 0});
  story.program("a", 2, gen(1, 3), 30).tell(GenerationRemoved{kA, Fence{1}, 3});
  CHECK(catches(story, "P4", "generation 1-3 was cleaned away") != damaged);
}

TEST_CASE("P4: a generation is announced that is not in the store") {
  Story story = one_hour().decide("a", job::CheckpointSaved{Fence{1}, gen(1, 3)}).finish("a", 1);
  CHECK(catches(story, "P4", "generation 1-3 was announced, but is not in the store"));
}

TEST_CASE("P4: a job forgets its newest generation") {
  Story story = one_hour().finish("a", 1);
  story.bend([](job::Job& job) { job.last_generation = gen(1, 1); });
  CHECK(catches(story, "P4", "the last generation was 1-2 and is 1-1 now"));
}
