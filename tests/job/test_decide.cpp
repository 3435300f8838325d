// Single decisions whose point a scenario does not show: numbers, limits, boundaries.
#include <doctest/doctest.h>

#include "job/samples.hpp"

namespace holdfast::job::test {

namespace {

Job after(Job job, const Event& event, Instant now) {
  auto decision = decide(job, event, now);
  REQUIRE(decision);
  return std::move(decision->job);
}

Job training_job(JobSpec spec) {
  const bool spot = spec.spot;
  Job job = create(std::make_shared<const JobSpec>(std::move(spec)), kEpoch).job;
  job = after(job, Placed{Fence{1}, placement(spot, 1'000'000)}, kEpoch);
  job = after(job, AgentStarted{Fence{1}}, kEpoch);
  return after(job, ProgramStarted{Fence{1}, {}}, kEpoch);
}

Duration backoff_after_refusals(int refusals) {
  Job job = create(std::make_shared<const JobSpec>(on_demand_spec()), kEpoch).job;
  Instant now = kEpoch;
  for (int i = 1; i <= refusals; ++i) {
    now += hours{1};
    const Fence fence{static_cast<std::uint64_t>(i)};
    job = after(job, Placed{fence, placement(false, 1'000'000)}, now);
    job = after(job, LaunchRefused{fence, "none"}, now);
  }
  return std::get<Waiting>(job.state).not_before - now;
}

std::string reason_for(std::string text) {
  const Job job = after(training_job(spot_spec()), AttemptEnded{Fence{1}, Outcome::program_failed, std::move(text)},
                        kEpoch + seconds{1});
  return std::get<Ended>(job.state).failure_reason;
}

}  // namespace

TEST_CASE("every decision counts, also one that only releases a late instance") {
  const Job job = training_job(spot_spec());
  CHECK(job.version == 4);
  const Job released = after(job, InstanceUp{Fence{77}, InstanceId{"i"}}, kEpoch);
  CHECK(released.version == 5);
  CHECK(std::holds_alternative<Training>(released.state));
}

TEST_CASE("the back-off doubles, keeps half of itself, and has a most") {
  for (int refusals = 1; refusals <= 40; ++refusals) {
    CAPTURE(refusals);
    const Duration full = std::min<Duration>(kBackoffMost, kBackoffFirst * (1LL << std::min(refusals - 1, 20)));
    const Duration waits = backoff_after_refusals(refusals);
    CHECK(waits >= full / 2);
    CHECK(waits <= full);
  }
}

TEST_CASE("a long failure reason is cut between characters, never inside one") {
  const std::string prefix = "AlgorithmError: ";
  CHECK(reason_for("short") == prefix + "short");
  CHECK(reason_for(std::string(kMaxFailureReason, 'x')).size() == kMaxFailureReason);
  const std::string euro = "\xE2\x82\xAC";
  for (std::size_t filler = 0; filler < 3; ++filler) {
    std::string text(filler, 'x');
    for (int i = 0; i < 400; ++i) text += euro;
    const std::string reason = reason_for(text);
    CHECK(reason.size() > kMaxFailureReason - euro.size());
    CHECK(reason.size() <= kMaxFailureReason);
    CHECK(reason.ends_with(euro));
  }
}

TEST_CASE("a job that is interrupted for ever keeps its first visit and its newest") {
  JobSpec spec = spot_spec();
  spec.max_wait = hours{100'000};
  spec.max_runtime = hours{100'000};
  Job job = training_job(std::move(spec));
  Instant now = kEpoch;
  for (std::uint64_t fence = 1; fence < 500; ++fence) {
    now += minutes{1};
    job = after(job, InstanceGone{Fence{fence}, true, ""}, now);
    job = after(job, Placed{Fence{fence + 1}, placement(true, 300'000)}, now);
    job = after(job, AgentStarted{Fence{fence + 1}}, now);
    job = after(job, ProgramStarted{Fence{fence + 1}, {}}, now);
  }
  CHECK(job.transitions.size() == kMaxTransitionsKept);
  CHECK(job.transitions.front().start == kEpoch);
  CHECK(job.transitions.front().status == Secondary::Starting);
  CHECK(job.transitions.back().start == now);
  CHECK(job.interruptions == 499);
  CHECK(Duration{job.accounts.training_ms} == now - kEpoch);
  CHECK(job.accounts.lost_ms == job.accounts.training_ms);
}

TEST_CASE("a fence newer than the job's is not the job's either") {
  const Job job = training_job(spot_spec());
  CHECK(!decide(job, ProgramEnded{Fence{2}}, kEpoch));
  CHECK(!decide(job, InstanceGone{Fence{2}, true, ""}, kEpoch));
}

}  // namespace holdfast::job::test
