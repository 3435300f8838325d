// P9 and P10: what bends them is noticed.
#include <doctest/doctest.h>

#include "sim/story.hpp"

using namespace holdfast;
using namespace holdfast::sim;
using namespace holdfast::sim::test;

namespace {

const JobName kA{"a"};
using How = ProgramOver::How;
ProgramOver over(How how) { return {kA, Fence{1}, how}; }

}  // namespace

// ---- P9: stops

TEST_CASE("P9: a stop that is acknowledged before it is stored") {
  CHECK(catches(one_hour().tell(StopAcked{kA}), "P9", "its stop was acknowledged while it is stored as Training"));
}

TEST_CASE("P9: a stop that is acknowledged and then forgotten") {
  Story story = one_hour().stop("a").wait(hours{3});
  CHECK(catches(story, "P9", "its stop was acknowledged, and it is not over"));
  CHECK(catches(story, "P9", "and its program runs"));
  CHECK(catches(story, "P9", "it is Stopping to this day"));
}

TEST_CASE("P9: a program that is not told of the stop though all is well") {
  Story story = one_hour().tell(FaultsStopped{}).stop("a").wait(minutes{6});
  CHECK(catches(story, "P9", "attempt 1: stopped, and its program runs"));
}

TEST_CASE("P9: a save that is under way at a stop may take as long as saves took, and no longer") {
  Story story = one_hour().store("a", 1, 3, 30).tell(FaultsStopped{});
  Duration enough{0}, too_long{0};
  SUBCASE("as is known before") {
    story.decide("a", job::CheckpointSaved{Fence{1}, gen(1, 3), minutes{8}}).stop("a");
    enough = minutes{14};
    too_long = minutes{2};
  }
  SUBCASE("as is seen then") {
    story.stop("a").wait(minutes{4}).decide("a", job::CheckpointSaved{Fence{1}, gen(1, 3), minutes{8}});
    enough = minutes{10};
    too_long = minutes{2};
  }
  SUBCASE("half an hour at most") {
    story.decide("a", job::CheckpointSaved{Fence{1}, gen(1, 3), minutes{40}}).stop("a");
    enough = minutes{34};
    too_long = minutes{2};
  }
  story.wait(enough);
  CHECK_FALSE(catches(story, "P9", "attempt 1: stopped, and its program runs"));
  story.wait(too_long);
  CHECK(catches(story, "P9", "attempt 1: stopped, and its program runs"));
}

TEST_CASE("P9: a new attempt after the stop was acknowledged") {
  Story story = one_hour();
  story.stop("a").lose("a", 1).decide("a", job::InstanceUp{Fence{9}, InstanceId{"i-9"}});
  story.last<Decided>().event = job::Placed{Fence{9}, {}};
  CHECK(catches(story, "P9", "attempt 9 was placed after its stop was acknowledged"));
}

TEST_CASE("P9: a job that was stopped and ends as something else") {
  Story story = one_hour().stop("a").wait(minutes{1});
  story.decide("a", job::AttemptEnded{Fence{1}, job::Outcome::succeeded, ""});
  story.bend([](job::Job& job) {
    std::get<job::Ended>(job.state).status = job.transitions.back().status = job::Secondary::Completed;
  });
  CHECK(catches(story, "P9", "was stopped by its user and ended as Completed"));
}

TEST_CASE("P9: a job that nobody stopped and that ends as Stopped") {
  Story story = one_hour().finish("a", 1).drop_last();
  story.bend([](job::Job& job) {
    std::get<job::Ended>(job.state).status = job.transitions.back().status = job::Secondary::Stopped;
  });
  CHECK(catches(story, "P9", "ended as Stopped, and nobody had stopped it"));
}

// ---- P9: deaths

TEST_CASE("P9: a program that ends for no reason") {
  Story story = one_hour();
  SUBCASE("killed") { story.tell(over(How::killed)); }
  SUBCASE("asked to end") { story.tell(over(How::asked)); }
  SUBCASE("orphaned") { story.tell(over(How::orphaned)); }
  SUBCASE("because the service went down") { story.tell(ServiceCrashed{""}).tell(over(How::killed)); }
  SUBCASE("because the service came back") {
    story.tell(ServiceCrashed{""}).wait(hours{1}).tell(ServiceStarted{}).tell(over(How::asked));
  }
  CHECK(catches(story, "P9", "and nothing on record gives the reason"));
}

TEST_CASE("P9: what is a reason for one attempt is none for another") {
  Story story = one_hour();
  story.create("b", {.checkpoint = "s3://bucket/b"}).lease("b", 2).begin("b", 2).lose("b", 2);
  CHECK(catches(story.tell(over(How::killed)), "P9", "the program of attempt 1 was killed, and nothing"));
}

TEST_CASE("P9: a program that is stopped is killed before its two minutes are over") {
  Story story = one_hour();
  story.stop("a").wait(seconds{119}).tell(over(How::killed));
  CHECK(catches(story, "P9", "its program was killed 119000 ms after the order to stop"));
}

TEST_CASE("P9: each reason on record is one") {
  Story story = one_hour();
  SUBCASE("a stop") { story.stop("a").wait(minutes{2}).tell(over(How::killed)); }
  SUBCASE("a wall") { story.wait(hours{9}).decide("a", job::TimeReached{}).tell(over(How::asked)); }
  SUBCASE("a notice") { story.tell(ReclaimAnnounced{Fence{1}, kA, story.now() + minutes{2}}).tell(over(How::asked)); }
  SUBCASE("its instance has ended") { story.lease_ends("a", 1, LeaseEnded::Why::died).tell(over(How::orphaned)); }
  SUBCASE("a newer attempt") {
    story.wait(minutes{6}).decide("a", job::InstanceGone{Fence{1}, false, "silent"}).wait(seconds{2}).lease("a", 2);
    story.tell(over(How::killed));
  }
  SUBCASE("the ledger was opened by a newer attempt of another job") {
    story.create("b").lease("b", 2).open("b", 2, gen(1, 2)).tell(over(How::killed));
  }
  story.complete = false;
  CHECK(holds(story));
}

TEST_CASE("P9: a program that went with an instance that is still there") {
  CHECK(catches(one_hour().tell(over(How::with_instance)).wait(minutes{3}), "P9", "but the instance did not end"));
}

TEST_CASE("P9: an instance that is released under the current attempt") {
  Story story = one_hour().lease_ends("a", 1, LeaseEnded::Why::released);
  CHECK(catches(story, "P9", "was released while that attempt was the current one"));
}

TEST_CASE("P9: a service that comes back and takes for lost what is there") {
  Story story = one_hour().tell(ServiceCrashed{""}).wait(hours{1}).tell(ServiceStarted{}).wait(seconds{20});
  story.decide("a", job::InstanceGone{Fence{1}, false, "its agent has fallen silent"});
  CHECK(
      catches(story, "P9", "attempt 1 was taken for lost (its agent has fallen silent) though its instance is there"));
}

// ---- P10

TEST_CASE("P10: a stored job that its events do not give") {
  Story story = one_hour().lose("a", 1);
  SUBCASE("its state") {
    story.bend([](job::Job& job) { std::get<job::Waiting>(job.state).not_before += milliseconds{1}; });
    CHECK(catches(story, "P10", "InstanceGone, gives another job now: state Waiting or Waiting"));
  }
  SUBCASE("a message") {
    story.bend([](job::Job& job) { job.transitions.back().message = "because"; });
    CHECK(catches(story, "P10", "its visits to statuses"));
  }
  SUBCASE("a count") {
    story.bend([](job::Job& job) { job.interruptions = 7; });
    CHECK(catches(story, "P10", "its counts"));
  }
  SUBCASE("its creation") {
    Story other;
    other.create("b");
    std::get<Decided>(other.records[1].what).decided_at += seconds{1};
    CHECK(catches(other, "P10", "its creation, gives another job now"));
  }
}

TEST_CASE("P10: an event that is ignored when it is heard again") {
  Story story = one_hour();
  story.last<Decided>().event = job::AgentStarted{Fence{1}};
  CHECK(catches(story, "P10", "version 7, AgentStarted, is ignored now: nothing to do in this state"));
}

TEST_CASE("P10: an event at another time") {
  Story story = one_hour().lose("a", 1);
  story.last<Decided>().decided_at += seconds{1};
  CHECK(catches(story, "P10", "gives another job now"));
}

TEST_CASE("P10: events of a job that was never created") {
  Story story = one_hour();
  story.records.erase(story.records.begin() + 1);
  CHECK(catches(story, "P10", "a: was never created"));
}

TEST_CASE("P10: the store holds something else in the end") {
  Story story = one_hour().finish("a", 1);
  auto changed = story.job("a");
  changed.accounts.cost += 1;
  story.jobs[kA] = std::make_shared<const job::Job>(changed);
  CHECK(catches(story, "P10", "what is stored is not what its events give: its accounts"));
}
