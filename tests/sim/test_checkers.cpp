// Good histories: however much goes wrong around it, a service that keeps its promises is not blamed. What bends them
// is in test_checkers_*.cpp, one file for a few properties each.
#include <doctest/doctest.h>

#include "sim/story.hpp"

using namespace holdfast;
using namespace holdfast::sim;
using namespace holdfast::sim::test;

TEST_CASE("there is one checker for each promise, in their order") {
  const auto checkers = make_checkers();
  CHECK(checkers.size() == 10);
}

TEST_CASE("a job that runs to its end breaks no promise") {
  CHECK(holds(one_hour().describe("a").finish("a", 1).describe("a").tell(FaultsStopped{}).wait(hours{1})));
}

TEST_CASE("a job on demand is billed for its whole time") {
  Story story;
  JobOptions options;
  options.spot = false;
  story.create("a", options).lease("a", 1).begin("a", 1).wait(milliseconds{12'345'678}).finish("a", 1);
  CHECK(holds(story));
}

TEST_CASE("a job that loses its instance goes on from its newest checkpoint") {
  Story story = one_hour();
  story.wait(minutes{5}).lose("a", 1).describe("a").wait(minutes{1}).lease("a", 2).begin("a", 2, gen(1, 2), 20);
  story.wait(minutes{10}).save("a", 2, 1, 30).lose("a", 2).wait(seconds{1}).lease("a", 3).begin("a", 3, gen(2, 1), 30);
  CHECK(holds(story.finish("a", 3)));
}

TEST_CASE("a damaged checkpoint is passed over, and progress goes back for a reason that is on record") {
  Story story = one_hour();
  story.lose("a", 1).tell(GenerationSpoilt{JobName{"a"}, Fence{1}, 2}).wait(seconds{1}).lease("a", 2);
  story.open("a", 2, gen(1, 2)).tell(Quarantined{JobName{"a"}, Fence{2}, gen(1, 2)});
  CHECK(holds(story.begin("a", 2, gen(1, 1), 10).finish("a", 2)));
}

TEST_CASE("a zombie commits what it likes and nobody goes on from it") {
  Story story = one_hour();
  story.lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2, gen(1, 2), 20);
  story.store("a", 2, 1, 20)
      .store("a", 1, 3, 25)
      .lose("a", 2)
      .wait(seconds{1})
      .lease("a", 3)
      .begin("a", 3, gen(2, 1), 20);
  CHECK(holds(story.finish("a", 3)));
}

TEST_CASE("what an older attempt commits while the next one is still choosing may be chosen") {
  Story story = one_hour();
  story.lose("a", 1).wait(seconds{1}).lease("a", 2).open("a", 2, gen(1, 2)).store("a", 1, 3, 25);
  CHECK(holds(story.begin("a", 2, gen(1, 3), 25).finish("a", 2)));
}

TEST_CASE("two jobs that share a checkpoint's place go on from each other") {
  Story story = one_hour();
  story.finish("a", 1).wait(minutes{1}).create("b").lease("b", 2).begin("b", 2, gen(1, 2), 20);
  CHECK(holds(story.finish("b", 2)));
}

TEST_CASE("a service that is down for an hour is late, and nobody blames it") {
  Story story;
  JobOptions options;
  options.max_runtime = hours{1};
  story.create("a", options).lease("a", 1).begin("a", 1).wait(minutes{30}).tell(ServiceCrashed{"anywhere"});
  story.wait(hours{2}).tell(ServiceStarted{}).wait(seconds{1}).decide("a", job::TimeReached{}).wait(seconds{30});
  story.tell(ProgramOver{JobName{"a"}, Fence{1}, ProgramOver::How::asked});
  story.decide("a", job::ProgramEnded{Fence{1}}).wait(seconds{9});
  story.decide("a", job::AttemptEnded{Fence{1}, job::Outcome::stopped, ""}).tell(ServiceCrashed{"releasing"});
  story.wait(hours{1}).tell(ServiceStarted{}).wait(minutes{1}).lease_ends("a", 1, LeaseEnded::Why::released);
  CHECK(holds(story));
}

TEST_CASE("a clock that is set by an hour, forward and back, moves the walls with it") {
  Story story;
  JobOptions options;
  options.max_runtime = hours{2};
  options.max_wait = hours{3};
  story.create("a", options).lease("a", 1).begin("a", 1).wait(minutes{30});
  SUBCASE("back") { story.set_clock(-hours{1}).wait(minutes{140}); }
  SUBCASE("forward") { story.set_clock(hours{1}).wait(minutes{30}); }
  SUBCASE("forward and back, with a visit that began in the future") {
    story.set_clock(hours{1}).lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2).set_clock(-minutes{1});
    story.wait(minutes{20}).finish("a", 2);
  }
  story.complete = false;
  CHECK(holds(story));
}

TEST_CASE("two instances for one fence are both ended") {
  Story story = one_hour();
  story.lease_begins("a", 1, "twin").wait(seconds{5}).lease_ends("a", 1, LeaseEnded::Why::died, "twin").finish("a", 1);
  CHECK(holds(story));
}

TEST_CASE("an instance that comes up for an attempt that is over is released") {
  Story story;
  story.create("a").decide("a", job::Placed{Fence{1}, {PoolId{"p"}, "t", "z", true, 3, 10}}).wait(minutes{10});
  story.decide("a", job::TimeReached{}).wait(minutes{1}).lease_begins("a", 1).wait(seconds{1});
  story.decide("a", job::InstanceUp{Fence{1}, InstanceId{"i-1"}}).wait(seconds{30});
  story.lease_ends("a", 1, LeaseEnded::Why::released).lease("a", 2).begin("a", 2).finish("a", 2);
  CHECK(holds(story));
}

TEST_CASE("a program that lives on, on an instance that is gone for everybody else, is nobody's fault") {
  Story story = one_hour();
  story.lease_ends("a", 1, LeaseEnded::Why::died).decide("a", job::InstanceGone{Fence{1}, false, "died"});
  story.wait(minutes{1}).lease("a", 2).begin("a", 2, gen(1, 2), 20).wait(minutes{30});
  story.tell(ProgramOver{JobName{"a"}, Fence{1}, ProgramOver::How::killed});
  CHECK(holds(story.finish("a", 2)));
}

TEST_CASE("a job that is stopped ends as its user wished") {
  Story story = one_hour();
  story.stop("a").describe("a").wait(seconds{100}).tell(ProgramOver{JobName{"a"}, Fence{1}, ProgramOver::How::asked});
  story.decide("a", job::ProgramEnded{Fence{1}}).wait(minutes{2});
  story.decide("a", job::AttemptEnded{Fence{1}, job::Outcome::stopped, ""}).describe("a").wait(seconds{1});
  CHECK(holds(story.lease_ends("a", 1, LeaseEnded::Why::released)));
}

TEST_CASE("a job that waits longer than it may ends without ever having run") {
  Story story;
  JobOptions options;
  options.max_runtime = hours{1};
  options.max_wait = hours{1};
  CHECK(holds(story.create("a", options).wait(hours{1}).decide("a", job::TimeReached{})));
}

TEST_CASE("a job that is interrupted again and again outgrows its list of visits") {
  Story story;
  JobOptions options;
  options.max_runtime = hours{1000};
  options.max_wait = hours{2000};
  story.create("a", options);
  for (std::uint64_t fence = 1; fence <= 200; ++fence) {
    const auto from = fence == 1 ? std::optional<GenerationId>() : gen(fence - 1, 1);
    story.wait(minutes{5}).lease("a", fence).begin("a", fence, from, fence - 1).wait(minutes{7});
    story.save("a", fence, 1, fence).wait(minutes{1});
    if (fence < 200) story.lose("a", fence);
  }
  CHECK(story.job("a").transitions.size() == job::kMaxTransitionsKept);
  CHECK(holds(story.finish("a", 200)));
}
