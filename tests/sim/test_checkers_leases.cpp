// P7 and P8: what bends them is noticed.
#include <doctest/doctest.h>

#include "sim/story.hpp"

using namespace holdfast;
using namespace holdfast::sim;
using namespace holdfast::sim::test;

namespace {

const job::Placed kPlaced{Fence{1}, {PoolId{"p"}, "t", "z", true, 3, 10}};

Story lost_and_not_ended() {
  Story story = one_hour();
  story.wait(seconds{1}).decide("a", job::InstanceGone{Fence{1}, true, "reclaimed"});
  return story;
}

}  // namespace

// ---- P7

TEST_CASE("P7: an instance that outlives its job") {
  Story story = one_hour().finish("a", 1).drop_last().wait(minutes{3});
  SUBCASE("by some minutes") { story.lease_ends("a", 1, LeaseEnded::Why::released); }
  SUBCASE("to this day") {}
  CHECK(catches(story, "P7", "a: instance i-1 outlives its attempt 1 by"));
}

TEST_CASE("P7: an instance that outlives its attempt") {
  CHECK(catches(lost_and_not_ended().wait(minutes{3}), "P7", "instance i-1 outlives its attempt 1"));
}

TEST_CASE("P7: crashes are an excuse only for as long as the service is down") {
  Story story = lost_and_not_ended();
  for (int i = 0; i < 4; ++i)
    story.wait(seconds{40}).tell(ServiceCrashed{""}).wait(minutes{1}).tell(ServiceStarted{}).wait(seconds{1});
  CHECK(catches(story, "P7", "instance i-1 outlives its attempt 1"));
}

TEST_CASE("P7: while the provider cannot be reached nobody is to blame") {
  Story story = lost_and_not_ended().tell(ProviderCut{}).wait(minutes{10}).tell(ProviderBack{}).wait(minutes{1});
  story.lease_ends("a", 1, LeaseEnded::Why::released).lease("a", 2).begin("a", 2, gen(1, 2), 20).finish("a", 2);
  CHECK(holds(story));
}

TEST_CASE("P7: one of two instances of a fence that stays") {
  Story story = one_hour().lease_begins("a", 1, "twin").finish("a", 1).wait(minutes{3});
  CHECK(catches(story, "P7", "instance twin outlives its attempt 1"));
}

TEST_CASE("P7: an instance that comes too late and stays") {
  Story story;
  story.create("a").decide("a", kPlaced).decide("a", job::StopRequested{}).wait(minutes{10}).lease_begins("a", 1);
  CHECK(catches(story.wait(minutes{3}), "P7", "instance i-1 outlives its attempt 1"));
}

TEST_CASE("P7: an instance that nobody asked for") {
  Story story = one_hour();
  SUBCASE("at all") {
    story.lease_begins("a", 9);
    CHECK(catches(story, "P7", "began for attempt 9, which was never placed"));
  }
  SUBCASE("before it was stored") {
    Story early;
    early.create("a").lease_begins("a", 1).decide("a", kPlaced);
    CHECK(catches(early, "P7", "began for attempt 1, which was never placed"));
  }
  SUBCASE("for this job") {
    story.create("b").lease_begins("b", 1, "i-7");
    CHECK(catches(story, "P7", "began for attempt 1, which belongs to a"));
  }
}

TEST_CASE("P7: seconds that are accounted for by nobody in the end") {
  Story story = one_hour().finish("a", 1).drop_last();
  CHECK(catches(story, "P7", "instance i-1 of attempt 1 is still there"));
}

// ---- P8

TEST_CASE("P8: a job that is live in the end") { CHECK(catches(one_hour(), "P8", "is Training to this day")); }

TEST_CASE("P8: a launch that brings nothing and is not given up") {
  Story story;
  story.create("a").decide("a", kPlaced).wait(minutes{14});
  CHECK(catches(story, "P8", "is still launching"));
}

TEST_CASE("P8: an instance that is gone and not noticed, once faults have stopped") {
  Story story = one_hour();
  SUBCASE("gone before") { story.lease_ends("a", 1, LeaseEnded::Why::died).tell(FaultsStopped{}); }
  SUBCASE("gone after") { story.tell(FaultsStopped{}).lease_ends("a", 1, LeaseEnded::Why::died); }
  CHECK(catches(story.wait(minutes{3}), "P8", "has not noticed for"));
}

TEST_CASE("P8: a job that waits while nobody uses what there is") {
  Story story;
  SUBCASE("from the first") { story.create("a").tell(FaultsStopped{}).wait(minutes{4}); }
  SUBCASE("after it was lost") {
    story = one_hour();
    story.tell(FaultsStopped{}).lose("a", 1).wait(minutes{5});
  }
  SUBCASE("after another job is done") {
    story.create("b", {.checkpoint = ""}).lease("b", 1).create("a").tell(FaultsStopped{}).begin("b", 1);
    story.wait(hours{1}).finish("b", 1).wait(minutes{5});
  }
  story.tell(FaultInjected{"time passes"}).wait(seconds{2}).tell(FaultInjected{"time passes"});
  CHECK(catches(story, "P8", "a: waits"));
}

TEST_CASE("P8: a job that waits for another to leave waits for a reason") {
  Story story;
  story.create("b", {.checkpoint = ""}).lease("b", 1).create("a").tell(FaultsStopped{}).begin("b", 1);
  story.wait(hours{1}).finish("b", 1).wait(seconds{2}).lease("a", 2).begin("a", 2).finish("a", 2);
  CHECK(holds(story));
}

TEST_CASE("P8: what was decided is never carried out") {
  Story story;
  story.create("b").lease("b", 7).tell(LaunchAsked{Fence{7}});  // so asking is on record
  SUBCASE("a launch") {
    story.create("a").decide("a", job::Placed{Fence{8}, {}}).wait(minutes{2}).tell(FaultInjected{"nothing"});
    CHECK(catches(story, "P8", "attempt 8 was placed and its instance was not asked for"));
  }
  SUBCASE("a release") {
    story.begin("b", 7).decide("b", job::AttemptEnded{Fence{7}, job::Outcome::program_failed, "x"});
    story.wait(minutes{2}).tell(FaultInjected{"nothing"});
    CHECK(catches(story, "P8", "attempt 7 is over and its instance was not released"));
  }
  SUBCASE("the word that an instance is gone") {
    story.begin("b", 7).tell(GoneTold{Fence{7}}).wait(minutes{1}).tell(FaultInjected{"nothing"});
    CHECK(catches(story, "P8", "was told that the instance of attempt 7 is gone"));
  }
  SUBCASE("an agent's last word") {
    story.begin("b", 7).lease_ends("b", 7, LeaseEnded::Why::left);
    CHECK(catches(story, "P8", "has said its last word and left, and was not heard"));
  }
  SUBCASE("asking what exists") {
    story.tell(ListAsked{}).wait(minutes{6}).tell(FaultInjected{"nothing"});
    CHECK(catches(story, "P8", "the provider was not asked what exists"));
  }
}
