// What must hold of every life of a job, whatever happens in whichever order: lives are drawn from seeds, so that one
// that fails can be lived again.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "base/random.hpp"
#include "job/codec.hpp"
#include "job/invariants.hpp"
#include "job/samples.hpp"
#include "job/summary.hpp"

namespace holdfast::job::test {

namespace {

constexpr std::uint64_t kLives = 1500;
constexpr int kEventsInALife = 80;
constexpr int kMaxWakeups = 1000;  // to bring a job to its end: far more than it takes

// The job but for its count of decisions.
std::string looks(Job job) {
  job.version = 0;
  return encode_job(job);
}

class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed), spec_(draw_spec()), job_(create(spec_, now_).job) {}

  void live() {
    for (int i = 0; i < kEventsInALife; ++i) {
      let_time_pass();
      tell(draw_event());
    }
    bring_to_its_end();
    check_the_end();
  }

  const std::set<std::pair<std::size_t, std::size_t>>& heard() const { return heard_; }
  const std::set<Secondary>& endings() const { return endings_; }

 private:
  std::uint64_t draw(std::uint64_t below) { return random_.next() % below; }
  bool chance(std::uint64_t percent) { return draw(100) < percent; }

  std::shared_ptr<const JobSpec> draw_spec() {
    JobSpec spec = chance(70) ? spot_spec() : on_demand_spec();
    spec.max_runtime = minutes{1 + draw(240)};
    if (spec.spot) spec.max_wait = spec.max_runtime + minutes{draw(3) * draw(120)};
    spec.max_retries = static_cast<int>(draw(3));
    ratio_ = static_cast<MicroDollars>(100'000 + draw(900'001));
    return std::make_shared<const JobSpec>(std::move(spec));
  }

  void let_time_pass() {
    constexpr std::array most{1, 1'000, 60'000, 1'200'000};
    now_ += Duration{draw(static_cast<std::uint64_t>(most.at(draw(most.size()))))};
    if (chance(2)) now_ -= minutes{draw(90)};
    const auto wakeup = next_wakeup(job_);
    if (wakeup && chance(5)) now_ = std::max(now_, *wakeup);
  }

  Fence draw_fence() {
    if (chance(85)) return newest_;
    return Fence{draw(newest_.value + 3)};
  }
  GenerationId draw_generation(Fence fence) { return {chance(90) ? fence : draw_fence(), draw(20)}; }

  // What would come next if nothing went wrong; otherwise anything at all.
  Event draw_event() {
    const Fence fence = draw_fence();
    if (chance(60)) {
      const std::string state = state_name(job_.state);
      if (state == "Waiting") return place();
      if (state == "Launching") return chance(50) ? Event{InstanceUp{fence, InstanceId{"i"}}} : AgentStarted{fence};
      if (state == "Downloading") return ProgramStarted{fence, job_.last_generation};
      if (state == "Training" && chance(70)) return CheckpointSaved{fence, draw_generation(fence)};
    }
    switch (draw(std::variant_size_v<Event> + 4)) {
      case 0:
        return chance(30) ? Event{StopRequested{}} : TimeReached{};
      case 1:
        return place();
      case 2:
        return InstanceUp{fence, InstanceId{"i"}};
      case 3:
        return LaunchRefused{fence, "none"};
      case 4:
        return NoticeReceived{fence, now_ + seconds{draw(240)}};
      case 5:
        return InstanceGone{fence, chance(70), "gone"};
      case 6:
        return AgentStarted{fence};
      case 7:
        return ProgramStarted{fence, job_.last_generation};
      case 8:
        return CheckpointSaved{fence, draw_generation(fence)};
      case 9:
        return ProgramEnded{fence};
      case 10:
        return AttemptEnded{fence, chance(50) ? Outcome::reclaimed : static_cast<Outcome>(draw(6)), "over"};
      default:
        return TimeReached{};
    }
  }
  Event place() {
    newest_.value += 1;
    return Placed{newest_, placement(spec_->spot, ratio_)};
  }

  void tell(const Event& event) {
    CAPTURE(event_name(event));
    CAPTURE(state_name(job_.state));
    const auto wakeup = next_wakeup(job_);
    const bool due = wakeup && *wakeup <= now_;
    const auto decision = decide(job_, event, now_);
    check_replay(event, decision);
    if (!decision) {
      CHECK_MESSAGE(!(due && std::holds_alternative<TimeReached>(event)), "it was woken for nothing");
      return;
    }
    heard_.emplace(job_.state.index(), event.index());
    check_step(*decision);
    job_ = decision->job;
    if (!std::holds_alternative<TimeReached>(event)) check_twice(event);
  }

  void check_step(const Decision& decision) {
    const Job& next = decision.job;
    for (const std::string& broken : broken_invariants(next)) FAIL_CHECK(broken);
    CHECK(next.version == job_.version + 1);
    CHECK(next.booked_until >= job_.booked_until);
    if (job_.last_generation) CHECK(next.last_generation >= job_.last_generation);
    const Attempt* before = current_attempt(job_);
    const Attempt* after = current_attempt(next);
    if (before && after) CHECK(after->fence == before->fence);
    if (is_ended(job_)) CHECK(looks(next) == looks(job_));
    if (primary_status(job_) == Primary::Stopping) CHECK(primary_status(next) != Primary::InProgress);
    check_books(next);
    for (const Effect& effect : decision.effects) {
      if (const auto* launch = std::get_if<LaunchInstance>(&effect)) {
        CHECK(std::holds_alternative<Launching>(next.state));
        CHECK(current_attempt(next)->fence == launch->fence);
        CHECK(launched_.insert(launch->fence).second);
      } else {
        const Fence released = std::get<ReleaseInstance>(effect).fence;
        CHECK((!after || after->fence != released));
        released_.insert(released);
      }
    }
    // An attempt is never left behind running.
    if (before && !after) CHECK(released_.contains(before->fence));
  }

  // The accounts and the history are kept apart, and must agree.
  static void check_books(const Job& job) {
    const Accounts& a = job.accounts;
    const auto sum = a.waiting_ms + a.starting_ms + a.restoring_ms + a.training_ms + a.saving_ms + a.stopping_ms;
    CHECK(Duration{sum} == job.booked_until - job.created);
    std::map<Secondary, Duration> seen;
    for (const Transition& visit : job.transitions)
      seen[visit.status] += visit.end.value_or(job.booked_until) - visit.start;
    CHECK(seen[Secondary::Starting] + seen[Secondary::Interrupted] == Duration{a.waiting_ms + a.starting_ms});
    CHECK(seen[Secondary::Downloading] == Duration{a.restoring_ms});
    CHECK(seen[Secondary::Training] == Duration{a.training_ms});
    CHECK(seen[Secondary::Uploading] == Duration{a.saving_ms});
    CHECK(seen[Secondary::Stopping] == Duration{a.stopping_ms});
  }

  // Each event may arrive twice; the second time says nothing new.
  void check_twice(const Event& event) {
    const auto again = decide(job_, event, now_);
    if (!again) return;
    CHECK(looks(again->job) == looks(job_));
    for (const Effect& effect : again->effects) CHECK(std::holds_alternative<ReleaseInstance>(effect));
  }

  // A job, an event and an effect come back from the store as they went, and the decision is the same.
  void check_replay(const Event& event, const tl::expected<Decision, Ignored>& decision) {
    const auto job = decode_job(encode_job(job_), spec_);
    const auto stored_event = decode_event(encode_event(event));
    REQUIRE(job);
    REQUIRE(stored_event);
    const auto replayed = decide(*job, *stored_event, now_);
    REQUIRE(replayed.has_value() == decision.has_value());
    if (!decision) {
      CHECK(replayed.error().why == decision.error().why);
      return;
    }
    CHECK(encode_job(replayed->job) == encode_job(decision->job));
    REQUIRE(replayed->effects.size() == decision->effects.size());
    for (std::size_t i = 0; i < decision->effects.size(); ++i) {
      const auto effect = decode_effect(encode_effect(decision->effects[i]));
      REQUIRE(effect);
      CHECK(effect_text(*effect) == effect_text(replayed->effects[i]));
    }
  }

  // Nobody speaks any more: the clock alone ends every job, but for one that waits for on-demand capacity.
  void bring_to_its_end() {
    for (int i = 0; i < kMaxWakeups && !is_ended(job_); ++i) {
      const auto wakeup = next_wakeup(job_);
      if (wakeup) now_ = std::max(now_, *wakeup);
      const bool unlimited = std::holds_alternative<Waiting>(job_.state) && !spec_->spot;
      CHECK((wakeup || unlimited));
      tell(wakeup ? Event{TimeReached{}} : StopRequested{});
    }
    REQUIRE(is_ended(job_));
    CHECK(!next_wakeup(job_));
  }

  void check_the_end() {
    CHECK(std::includes(released_.begin(), released_.end(), launched_.begin(), launched_.end()));
    CHECK(job_.transitions.back().start == job_.booked_until);
    endings_.insert(secondary_status(job_));
    const Summary summary = summarize(job_);
    CHECK(summary.training_start.has_value() == summary.training_seconds.has_value());
    CHECK(summary.training_start.has_value() == summary.billable_seconds.has_value());
    CHECK(summary.training_start.has_value() == summary.training_end.has_value());
    CHECK((summary.primary == Primary::Failed) == !summary.failure_reason.empty());
    if (summary.training_seconds) {
      check_figures(*summary.training_seconds, *summary.billable_seconds, *summary.savings_percent);
    } else {
      CHECK(job_.accounts.on_instance_ms() == 0);
    }
  }

  void check_figures(std::int64_t training, std::int64_t billable, double savings) {
    const auto on_instance = job_.accounts.on_instance_ms();
    CHECK(training == std::max<std::int64_t>(1, on_instance / 1000));
    CHECK(job_.accounts.billable_millionths == on_instance * ratio_);
    CHECK(billable >= 1);
    CHECK(billable <= training);
    if (!spec_->spot) {
      CHECK(billable == training);
    } else if (on_instance >= 1000) {
      const double exact = static_cast<double>(on_instance) * static_cast<double>(ratio_) / 1e9;
      CHECK(std::abs(static_cast<double>(billable) - exact) < 1.0);
    }
    CHECK(savings >= 0.0);
    CHECK(savings <= 100.0);
  }

  SeededRandom random_;
  Instant now_ = kEpoch;
  MicroDollars ratio_ = 0;
  std::shared_ptr<const JobSpec> spec_;
  Job job_;
  Fence newest_;
  std::set<Fence> launched_, released_;
  std::set<std::pair<std::size_t, std::size_t>> heard_;
  std::set<Secondary> endings_;
};

}  // namespace

TEST_CASE("whatever happens to a job: its history, its books, its instances and its end are in order") {
  std::set<std::pair<std::size_t, std::size_t>> heard;
  std::set<Secondary> endings;
  for (std::uint64_t seed = 1; seed <= kLives; ++seed) {
    CAPTURE(seed);
    Life life(seed);
    life.live();
    heard.insert(life.heard().begin(), life.heard().end());
    endings.insert(life.endings().begin(), life.endings().end());
  }
  // The lives are worth their time only if they went everywhere: every ending, and every pair in the table of
  // docs/job-states.md that is not a dash.
  CHECK(endings.size() == 5);
  std::array<int, std::variant_size_v<State>> events_heard_in{};
  for (const auto& [state, event] : heard) events_heard_in.at(state) += 1;
  constexpr std::array expected{4, 11, 9, 8, 7, 7, 1};
  for (std::size_t state = 0; state < expected.size(); ++state) {
    CAPTURE(state);
    CHECK(events_heard_in.at(state) == expected.at(state));
  }
}

}  // namespace holdfast::job::test
