// The figures that the SDK prints at the end of a job.
#include "job/summary.hpp"

#include <doctest/doctest.h>

#include "job/samples.hpp"

namespace holdfast::job::test {

namespace {

// A job and the seconds after its creation, from which events follow.
struct Life {
  explicit Life(JobSpec spec, Duration into_the_second = Duration{0})
      : created(kEpoch + into_the_second), job(create(std::make_shared<const JobSpec>(std::move(spec)), created).job) {}

  void at(Duration since_epoch, const Event& event) {
    auto decision = decide(job, event, kEpoch + since_epoch);
    REQUIRE(decision);
    job = std::move(decision->job);
  }

  Instant created;
  Job job;
};

constexpr Fence kFirst{1};
constexpr Fence kSecond{2};

}  // namespace

TEST_CASE("a spot job interrupted once, at 0.3 of the price: 700 s trained, 210 s billed, 70 % saved") {
  Life life(spot_spec(), milliseconds{123});
  life.at(seconds{10}, Placed{kFirst, placement(true, 300'000)});
  life.at(seconds{90}, InstanceUp{kFirst, InstanceId{"i-1"}});
  life.at(seconds{100}, AgentStarted{kFirst});
  life.at(seconds{120}, ProgramStarted{kFirst, {}});
  life.at(seconds{400}, InstanceGone{kFirst, true, "capacity"});
  life.at(milliseconds{400'500}, Placed{kSecond, placement(true, 300'000)});
  life.at(seconds{500}, InstanceUp{kSecond, InstanceId{"i-2"}});
  life.at(seconds{700}, AgentStarted{kSecond});
  life.at(seconds{715}, ProgramStarted{kSecond, GenerationId{kFirst, 1}});
  life.at(seconds{1090}, ProgramEnded{kSecond});
  life.at(seconds{1100}, AttemptEnded{kSecond, Outcome::succeeded, ""});

  const Summary summary = summarize(life.job);
  CHECK(summary.primary == Primary::Completed);
  CHECK(summary.secondary == Secondary::Completed);
  CHECK(summary.training_seconds == 700);
  CHECK(summary.billable_seconds == 210);
  REQUIRE(summary.savings_percent);
  CHECK(*summary.savings_percent == doctest::Approx(70.0));
  CHECK(summary.training_start == kEpoch + seconds{100});
  CHECK(summary.training_end == kEpoch + seconds{1100});
  CHECK(summary.last_modified == kEpoch + seconds{1100});
  CHECK(summary.failure_reason.empty());

  struct Visit {
    Secondary status;
    std::int64_t start_ms, end_ms;
    const char* message;
  };
  const std::vector<Visit> expected{
      {Secondary::Starting, 123, 100'000, "Preparing the instances for training"},
      {Secondary::Downloading, 100'000, 120'000, "Downloading input data"},
      {Secondary::Training, 120'000, 400'000, "Training image download completed. Training in progress."},
      {Secondary::Interrupted, 400'000, 400'500, "Training job interrupted due to spot capacity"},
      {Secondary::Starting, 400'500, 700'000, "Preparing the instances for training"},
      {Secondary::Downloading, 700'000, 715'000, "Downloading input data"},
      {Secondary::Training, 715'000, 1'090'000, "Training image download completed. Training in progress."},
      {Secondary::Uploading, 1'090'000, 1'100'000, "Uploading generated training model"},
      {Secondary::Completed, 1'100'000, 1'100'000, "Training job completed"},
  };
  REQUIRE(life.job.transitions.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    const Transition& visit = life.job.transitions[i];
    CHECK(visit.status == expected[i].status);
    CHECK(visit.start == kEpoch + Duration{expected[i].start_ms});
    REQUIRE(visit.end);
    CHECK(*visit.end == kEpoch + Duration{expected[i].end_ms});
    CHECK(visit.message == expected[i].message);
  }
}

TEST_CASE("a running job has a start, and neither an end nor figures") {
  Life life(spot_spec());
  CHECK(summarize(life.job).last_modified == kEpoch);
  life.at(seconds{10}, Placed{kFirst, placement(true, 300'000)});
  CHECK(!summarize(life.job).training_start);
  life.at(seconds{20}, AgentStarted{kFirst});
  const Summary summary = summarize(life.job);
  CHECK(summary.primary == Primary::InProgress);
  CHECK(summary.secondary == Secondary::Downloading);
  CHECK(summary.last_modified == kEpoch + seconds{20});
  CHECK(summary.training_start == kEpoch + seconds{20});
  CHECK(!summary.training_end);
  CHECK(!summary.training_seconds);
  CHECK(!summary.billable_seconds);
  CHECK(!summary.savings_percent);
}

TEST_CASE("a job that never got an instance ends without figures") {
  Life life(spot_spec());
  life.at(hours{2}, TimeReached{});
  const Summary summary = summarize(life.job);
  CHECK(summary.primary == Primary::Stopped);
  CHECK(summary.secondary == Secondary::MaxWaitTimeExceeded);
  CHECK(!summary.training_start);
  CHECK(!summary.training_end);
  CHECK(!summary.training_seconds);
  CHECK(!summary.billable_seconds);
  CHECK(summary.failure_reason.empty());
}

TEST_CASE("a job stopped right after it started shows one second of each") {
  Life life(spot_spec());
  life.at(seconds{10}, Placed{kFirst, placement(true, 300'000)});
  life.at(seconds{20}, AgentStarted{kFirst});
  life.at(seconds{20}, StopRequested{});
  CHECK(summarize(life.job).primary == Primary::Stopping);
  life.at(seconds{25}, AttemptEnded{kFirst, Outcome::stopped, ""});
  const Summary summary = summarize(life.job);
  CHECK(summary.training_seconds == 1);
  CHECK(summary.billable_seconds == 1);
  CHECK(summary.secondary == Secondary::Stopped);
}

TEST_CASE("billable seconds round up, but never above the seconds trained") {
  const auto billable = [](MicroDollars ratio_millionths, Duration trained) {
    Life life(spot_spec());
    life.at(seconds{10}, Placed{kFirst, placement(true, ratio_millionths)});
    life.at(seconds{20}, AgentStarted{kFirst});
    life.at(seconds{20} + trained, AttemptEnded{kFirst, Outcome::succeeded, ""});
    const Summary summary = summarize(life.job);
    return std::pair{*summary.training_seconds, *summary.billable_seconds};
  };
  CHECK(billable(300'000, seconds{10}) == std::pair<std::int64_t, std::int64_t>{10, 3});
  CHECK(billable(300'000, seconds{11}) == std::pair<std::int64_t, std::int64_t>{11, 4});
  CHECK(billable(300'000, milliseconds{10'001}) == std::pair<std::int64_t, std::int64_t>{10, 4});
  CHECK(billable(1'000'000, milliseconds{10'999}) == std::pair<std::int64_t, std::int64_t>{10, 10});
  CHECK(billable(1'500'000, seconds{10}) == std::pair<std::int64_t, std::int64_t>{10, 10});
}

TEST_CASE("without an on-demand price to compare with, nothing is saved") {
  Life life(spot_spec());
  Placement unpriced = placement(true, 300'000);
  unpriced.on_demand_per_hour = 0;
  life.at(seconds{10}, Placed{kFirst, unpriced});
  life.at(seconds{20}, AgentStarted{kFirst});
  life.at(seconds{30}, AttemptEnded{kFirst, Outcome::succeeded, ""});
  CHECK(summarize(life.job).billable_seconds == 10);
  CHECK(*summarize(life.job).savings_percent == doctest::Approx(0.0));
}

}  // namespace holdfast::job::test
