// P5 and P6: what bends them is noticed.
#include <doctest/doctest.h>

#include "job/decide.hpp"
#include "sim/story.hpp"

using namespace holdfast;
using namespace holdfast::sim;
using namespace holdfast::sim::test;

namespace {

// Two hours to run, three to wait; the program runs.
Story running() {
  Story story;
  JobOptions options;
  options.max_runtime = hours{2};
  options.max_wait = hours{3};
  story.create("a", options).lease("a", 1).begin("a", 1);
  return story;
}

// As if decide() had thought that a wall is reached.
void stop_now(job::Job& job, job::StopReason reason, Instant now) {
  const auto attempt = *job::current_attempt(job);
  job.accounts.training_ms += (now - job.booked_until).count();
  job.booked_until = now;
  job.transitions.back().end = now;
  job.transitions.push_back({job::Secondary::Stopping, now, {}, ""});
  job.state = job::Stopping{attempt, reason, now + job::kStopGrace + job::kStopUploadLimit};
}

Story stopped_early(job::StopReason reason) {
  Story story = running();
  story.wait(minutes{90}).decide("a", job::CheckpointSaved{Fence{1}, gen(1, 1)});
  story.last<Decided>().event = job::TimeReached{};
  story.bend([&](job::Job& job) { stop_now(job, reason, story.now()); });
  return story;
}

}  // namespace

// ---- P5

TEST_CASE("P5: a program that runs on behind MaxRuntime") {
  Story story = running();
  SUBCASE("and nothing happens") { story.wait(minutes{124}); }
  SUBCASE("and is heard of every minute") {
    story.wait(minutes{119});
    for (std::uint64_t i = 1; i <= 6; ++i) story.wait(minutes{1}).save("a", 1, i, i);
  }
  SUBCASE("and is stopped too late") { story.wait(minutes{124}).decide("a", job::TimeReached{}); }
  CHECK(catches(story, "P5", "a: is still Training"));
}

TEST_CASE("P5: MaxRuntime counts the attempts together") {
  Story story = running();
  story.wait(minutes{70}).lose("a", 1).wait(seconds{1}).lease("a", 2).begin("a", 2).wait(minutes{54});
  CHECK(catches(story, "P5", "a: is still Training"));
}

TEST_CASE("P5: a job that waits on behind MaxWait") {
  Story story;
  JobOptions options;
  options.max_runtime = options.max_wait = hours{1};
  story.create("a", options).wait(minutes{64});
  CHECK(catches(story, "P5", "a: is still Waiting"));
}

TEST_CASE("P5: the time of a service that is up is no excuse, whatever was before") {
  Story story = running();
  SUBCASE("it was down") {
    story.wait(minutes{110}).tell(ServiceCrashed{""}).wait(minutes{30}).tell(ServiceStarted{}).wait(minutes{4});
  }
  SUBCASE("its clock was set") { story.wait(minutes{30}).set_clock(-minutes{30}).wait(minutes{124}); }
  CHECK(catches(story.tell(FaultsStopped{}), "P5", "a: is still Training"));
}

TEST_CASE("P5: a stop before its time") {
  SUBCASE("MaxRuntime") {
    CHECK(catches(stopped_early(job::StopReason::max_runtime), "P5", "MaxRuntime is 7200000 ms, and it was stopped"));
  }
  SUBCASE("MaxWait") {
    CHECK(catches(stopped_early(job::StopReason::max_wait), "P5", "MaxWait is 10800000 ms, and it was stopped after"));
  }
}

TEST_CASE("P5: a job without MaxWait that is stopped for it") {
  Story story;
  JobOptions options;
  options.spot = false;
  story.create("a", options).lease("a", 1).begin("a", 1).wait(minutes{1});
  story.decide("a", job::CheckpointSaved{Fence{1}, gen(1, 1)});
  story.bend([&](job::Job& job) { stop_now(job, job::StopReason::max_wait, story.now()); });
  CHECK(catches(story, "P5", "has no MaxWait"));
}

TEST_CASE("P5: the order to stop is not carried through") {
  Story story = running().wait(hours{1}).stop("a").wait(minutes{126});
  CHECK(catches(story, "P5", "a: is still Stopping"));
}

TEST_CASE("P5: an upload without end") {
  Story story = running().wait(minutes{1}).decide("a", job::ProgramEnded{Fence{1}}).wait(hours{49});
  CHECK(catches(story, "P5", "a: is still Uploading"));
}

TEST_CASE("P5: a job that was being stopped for one reason and ends for another") {
  Story story = running().wait(hours{1}).stop("a").wait(minutes{1});
  story.decide("a", job::AttemptEnded{Fence{1}, job::Outcome::stopped, ""});
  story.bend([](job::Job& job) {
    std::get<job::Ended>(job.state).status = job.transitions.back().status = job::Secondary::MaxRuntimeExceeded;
  });
  CHECK(catches(story, "P5", "was being stopped by its user and ended as MaxRuntimeExceeded"));
}

TEST_CASE("P5: other limits are stored than were accepted") {
  Story story;
  story.create("a").last<Accepted>().max_runtime = hours{1};
  CHECK(catches(story, "P5", "accepted with MaxRuntime 3600000 ms, stored with 36000000 ms"));
}

// ---- P6

TEST_CASE("P6: time is booked to the wrong account, or to none") {
  Story story = one_hour().finish("a", 1);
  SUBCASE("to another") {
    story.bend([](job::Job& job) {
      job.accounts.training_ms -= 1000;
      job.accounts.saving_ms += 1000;
    });
    CHECK(catches(story, "P6", "saving is stored as 6000 ms, but is 5000 ms"));
  }
  SUBCASE("to none") {
    story.bend([](job::Job& job) { job.accounts.waiting_ms -= 1; });
    CHECK(catches(story, "P6", "the sum of all accounts"));
  }
}

TEST_CASE("P6: launching is not waiting") {
  Story story = one_hour();
  story.bend([](job::Job& job) { std::swap(job.accounts.waiting_ms, job.accounts.starting_ms); });
  CHECK(catches(story.finish("a", 1), "P6", "waiting is stored as"));
}

TEST_CASE("P6: more is billed than the price says") {
  Story story = one_hour().finish("a", 1);
  SUBCASE("by two seconds") {
    story.bend([](job::Job& job) { job.accounts.billable_millionths += 2'000'000'000; });
  }
  SUBCASE("as if it were on demand") {
    story.bend([](job::Job& job) { job.accounts.billable_millionths = job.accounts.on_instance_ms() * 1'000'000; });
  }
  CHECK(catches(story, "P6", "ms are billed, but it is"));
  CHECK(catches(story, "P6", "the billable time is shown as"));
}

TEST_CASE("P6: the cost is not time times price") {
  Story story = one_hour().finish("a", 1).bend([](job::Job& job) { job.accounts.cost += 10; });
  CHECK(catches(story, "P6", "micro-dollars are booked, but it is"));
}

TEST_CASE("P6: lost time is not what must be done again") {
  Story story = one_hour().wait(minutes{7}).lose("a", 1);
  story.bend([](job::Job& job) { job.accounts.lost_ms = 0; });
  CHECK(catches(story, "P6", "lost time is stored as 0 ms, but is 421000 ms"));
}

TEST_CASE("P6: a visit that began at another time than was decided") {
  Story story = one_hour().lose("a", 1);
  story.bend([](job::Job& job) { job.transitions.back().start -= seconds{5}; });
  CHECK(catches(story, "P6", "entered Interrupted at"));
}

TEST_CASE("P6: a visit that vanishes from the history") {
  Story story = one_hour().lose("a", 1);
  story.bend([](job::Job& job) { job.transitions.erase(job.transitions.begin() + 2); });
  CHECK(catches(story, "P6", "its open visit has vanished from the list"));
}

TEST_CASE("P6: an instance that is gone and billed on") {
  Story story = one_hour().lease_ends("a", 1, LeaseEnded::Why::died).wait(minutes{9});
  story.decide("a", job::InstanceGone{Fence{1}, false, "gone"});
  CHECK(catches(story, "P6", "attempt 1 was billed for 540000 ms after its instance was gone"));
}

TEST_CASE("P6: a job that ran and has no bill") {
  Story story = one_hour().finish("a", 1).bend([](job::Job& job) { job.first_started.reset(); });
  CHECK(catches(story, "P6", "a bill is shown exactly for what ran"));
}
