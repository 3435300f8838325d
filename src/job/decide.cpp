#include "job/decide.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/overload.hpp"
#include "base/random.hpp"

namespace holdfast::job {

const char* effect_name(const Effect& effect) {
  constexpr std::array names{"LaunchInstance", "ReleaseInstance"};
  static_assert(names.size() == std::variant_size_v<Effect>);
  return names[effect.index()];
}

namespace {

using Answer = tl::expected<Decision, Ignored>;

Answer ignore(std::string why) { return tl::unexpected<Ignored>(Ignored{std::move(why)}); }

constexpr const char* kSpotLost = "Training job interrupted due to spot capacity";
constexpr const char* kInternalError = "InternalServerError: We encountered an internal error. Please try again.";

// ---- the books ------------------------------------------------------------------------------------------------------

std::int64_t price_ratio_millionths(const Placement& placement) {
  if (placement.on_demand_per_hour <= 0) return 1'000'000;
  return placement.price_per_hour * 1'000'000 / placement.on_demand_per_hour;
}

// Books the time of the visit that ends now. The attempt is the one it was spent on, null while none was.
void account(Accounts& accounts, Secondary visit, std::int64_t ms, const Attempt* attempt) {
  switch (visit) {
    case Secondary::Starting:
      (attempt ? accounts.starting_ms : accounts.waiting_ms) += ms;
      return;
    case Secondary::Interrupted:
      accounts.waiting_ms += ms;
      return;
    case Secondary::Stopping:
      accounts.stopping_ms += ms;
      break;
    case Secondary::Downloading:
      accounts.restoring_ms += ms;
      break;
    case Secondary::Training:
      accounts.training_ms += ms;
      break;
    case Secondary::Uploading:
      accounts.saving_ms += ms;
      break;
    default:
      return;
  }
  if (!attempt) return;
  accounts.cost += attempt->placement.price_per_hour * ms / 3'600'000;
  // Stopping costs money but is not billable time: a real spot job leaves it out (see docs/decisions/0004).
  if (visit != Secondary::Stopping) accounts.billable_millionths += ms * price_ratio_millionths(attempt->placement);
}

// Clocks may be set back; a job's history must not run backwards.
Instant no_earlier(const Job& job, Instant now) { return std::max(now, job.booked_until); }

// Books the time since the last booking under the present status. Call it while `job.state` is still the old one: the
// time belongs to its attempt.
void book(Job& job, Instant now) {
  account(job.accounts, secondary_status(job), (now - job.booked_until).count(), current_attempt(job));
  job.booked_until = now;
}

// Ends the visit to the present status and begins one to another.
void enter(Job& job, Secondary status, std::string message, Instant now) {
  book(job, now);
  job.transitions.back().end = now;
  job.transitions.push_back({status, now, std::nullopt, std::move(message)});
  // Keeps the first visit and the newest: the ones in between are in the event log.
  if (job.transitions.size() > kMaxTransitionsKept) job.transitions.erase(job.transitions.begin() + 1);
}

void say(Job& job, std::string message) { job.transitions.back().message = std::move(message); }

// Starting is one visit for the user, waiting for capacity and launching alike; the books keep them apart.
void enter_starting(Job& job, std::string message, Instant now) {
  if (secondary_status(job) != Secondary::Starting) return enter(job, Secondary::Starting, std::move(message), now);
  book(job, now);
  say(job, std::move(message));
}

// ---- the ways on ----------------------------------------------------------------------------------------------------

Duration backoff(const Job& job) {
  if (job.failures_in_a_row == 0) return Duration{0};
  const Duration full =
      std::min<Duration>(kBackoffMost, kBackoffFirst * (1LL << std::min(job.failures_in_a_row - 1, 16)));
  // Half fixed, half jitter from a hash, so that the core draws no random numbers.
  const auto seed = mix(std::hash<std::string>{}(job.spec->name.value), static_cast<std::uint64_t>(job.attempts));
  return full / 2 + Duration{static_cast<std::int64_t>(seed % static_cast<std::uint64_t>(full.count() / 2 + 1))};
}

void finish(Job& job, Secondary status, std::string message, std::string failure_reason, Instant now) {
  enter(job, status, std::move(message), now);
  job.transitions.back().end = now;
  if (failure_reason.size() > kMaxFailureReason) failure_reason.resize(kMaxFailureReason);
  job.state = Ended{status, std::move(failure_reason)};
}

void finish_failed(Job& job, std::string reason, Instant now) {
  finish(job, Secondary::Failed, "Training job failed", std::move(reason), now);
}

void finish_stopped(Job& job, StopReason reason, Instant now) {
  switch (reason) {
    case StopReason::user:
      return finish(job, Secondary::Stopped, "Training job stopped", "", now);
    case StopReason::max_runtime:
      return finish(job, Secondary::MaxRuntimeExceeded, "Training job runtime exceeded MaxRuntimeInSeconds provided",
                    "", now);
    case StopReason::max_wait:
      return finish(job, Secondary::MaxWaitTimeExceeded,
                    "Training job wait time exceeded MaxWaitTimeInSeconds provided", "", now);
  }
}

std::vector<Effect> release(const Attempt& attempt) { return {ReleaseInstance{attempt.fence}}; }

// The attempt is gone and the job wants another one.
void wait_again(Job& job, Secondary status, std::string message, Instant now) {
  if (status == Secondary::Starting) {
    enter_starting(job, std::move(message), now);
  } else {
    enter(job, status, std::move(message), now);
  }
  job.state = Waiting{now + backoff(job)};
}

// The instance was taken away, or a spot instance died, which a user cannot tell apart.
Answer interrupted(Job job, const Attempt& attempt, Instant now) {
  if (secondary_status(job) == Secondary::Training) {
    const Instant safe = attempt.saved.value_or(job.transitions.back().start);
    job.accounts.lost_ms += std::max<std::int64_t>(0, (now - std::max(safe, job.transitions.back().start)).count());
  }
  job.interruptions += 1;
  auto effects = release(attempt);
  wait_again(job, Secondary::Interrupted, kSpotLost, now);
  return Decision{std::move(job), std::move(effects)};
}

// A failure of ours. RetryStrategy counts these, and nothing else.
Answer failed_by_us(Job job, const Attempt& attempt, const std::string& why, Instant now) {
  auto effects = release(attempt);
  job.failures_in_a_row += 1;
  if (job.retries < job.spec->max_retries) {
    job.retries += 1;
    wait_again(job, Secondary::Starting, fmt::format("Retrying after an internal error: {}", why), now);
  } else {
    finish_failed(job, kInternalError, now);
  }
  return Decision{std::move(job), std::move(effects)};
}

Answer lost(Job job, const Attempt& attempt, const InstanceGone& gone, Instant now) {
  if (gone.reclaimed) return interrupted(std::move(job), attempt, now);
  if (!job.spec->spot) return failed_by_us(std::move(job), attempt, gone.why, now);
  job.failures_in_a_row += 1;
  return interrupted(std::move(job), attempt, now);
}

// Nothing runs that could still have something to save: Stopping is shown, and is over in the same moment.
Answer stop_at_once(Job job, StopReason reason, Instant now) {
  std::vector<Effect> effects;
  if (const Attempt* attempt = current_attempt(job)) effects = release(*attempt);
  enter(job, Secondary::Stopping, "Stopping the training job", now);
  finish_stopped(job, reason, now);
  return Decision{std::move(job), std::move(effects)};
}

// Program and agent are told (the agent reads it from this state), and get their time.
Answer stop_gently(Job job, Attempt attempt, StopReason reason, Instant now) {
  enter(job, Secondary::Stopping, "Stopping the training job", now);
  job.state = Stopping{std::move(attempt), reason, now + kStopGrace + kStopUploadLimit};
  return Decision{std::move(job), {}};
}

// ---- limits ---------------------------------------------------------------------------------------------------------

std::optional<Instant> max_wait_at(const Job& job) {
  if (!job.spec->max_wait) return std::nullopt;
  return job.created + *job.spec->max_wait;
}

// MaxRuntime counts the time on instances over all attempts.
Instant max_runtime_at(const Job& job) {
  return job.booked_until + job.spec->max_runtime - Duration{job.accounts.on_instance_ms()};
}

std::optional<StopReason> wall_reached(const Job& job, bool on_instance, Instant now) {
  // Both at once: a job that waited at all ends as MaxWaitTimeExceeded.
  if (const auto wait = max_wait_at(job); wait && now >= *wait) return StopReason::max_wait;
  if (on_instance && now >= max_runtime_at(job)) return StopReason::max_runtime;
  return std::nullopt;
}

bool overdue(const Attempt& attempt, Instant now) { return attempt.notice && now >= *attempt.notice + kReclaimSlack; }

// ---- state by state -------------------------------------------------------------------------------------------------
// Every pair of state and event that means something has a line here; docs/job-states.md shows the whole table.

Answer on(const Job& job, const Waiting& waiting, const Placed& placed, Instant now) {
  if (now < waiting.not_before) return ignore("backing off");
  Job next = job;
  enter_starting(next, "Launching requested ML instances", now);
  next.attempts += 1;
  next.state = Launching{Attempt{placed.fence, placed.placement, now, {}, {}, {}, {}, {}}};
  return Decision{std::move(next), {LaunchInstance{placed.fence, placed.placement}}};
}
Answer on(const Job& job, const Waiting&, const StopRequested&, Instant now) {
  return stop_at_once(job, StopReason::user, now);
}
Answer on(const Job& job, const Waiting&, const TimeReached&, Instant now) {
  if (const auto wall = wall_reached(job, false, now)) return stop_at_once(job, *wall, now);
  return ignore("no limit is reached");
}
// An attempt that is over has come up after all: it must not stay.
Answer on(const Job& job, const Waiting&, const InstanceUp& up, Instant) {
  return Decision{job, {ReleaseInstance{up.fence}}};
}

Answer on(const Job& job, const Launching& launching, const InstanceUp& up, Instant) {
  if (launching.attempt.instance) return ignore("known already");
  Job next = job;
  std::get<Launching>(next.state).attempt.instance = up.instance;
  say(next, "Preparing the instances for training");
  return Decision{std::move(next), {}};
}
Answer on(const Job& job, const Launching& launching, const LaunchRefused&, Instant now) {
  Job next = job;
  next.failures_in_a_row += 1;
  auto effects = release(launching.attempt);
  enter_starting(next, "Insufficient capacity error while launching instances, retrying!", now);
  next.state = Waiting{now + backoff(next)};
  return Decision{std::move(next), std::move(effects)};
}
Answer on(const Job& job, const Launching& launching, const AgentStarted&, Instant now) {
  Job next = job;
  enter(next, Secondary::Downloading, "Downloading input data", now);
  if (!next.first_started) next.first_started = now;
  next.state = Downloading{launching.attempt};
  return Decision{std::move(next), {}};
}
Answer on(const Job& job, const Launching& launching, const InstanceGone& gone, Instant now) {
  return lost(job, launching.attempt, gone, now);
}
Answer on(const Job& job, const Launching&, const StopRequested&, Instant now) {
  return stop_at_once(job, StopReason::user, now);
}
Answer on(const Job& job, const Launching& launching, const TimeReached&, Instant now) {
  if (const auto wall = wall_reached(job, false, now)) return stop_at_once(job, *wall, now);
  if (now < launching.attempt.requested + kLaunchTimeout) return ignore("no limit is reached");
  Job next = job;
  next.failures_in_a_row += 1;
  auto effects = release(launching.attempt);
  enter_starting(next, "Launched instance was unhealthy, replacing it!", now);
  next.state = Waiting{now + backoff(next)};
  return Decision{std::move(next), std::move(effects)};
}
Answer on(const Job& job, const Launching& launching, const AttemptEnded& ended, Instant now);

Answer on(const Job& job, const Downloading& downloading, const ProgramStarted& started, Instant now) {
  Job next = job;
  enter(next, Secondary::Training, "Training image download completed. Training in progress.", now);
  Attempt attempt = downloading.attempt;
  attempt.restored = started.restored;
  attempt.program_since = now;
  next.failures_in_a_row = 0;
  next.state = Training{std::move(attempt)};
  return Decision{std::move(next), {}};
}

Answer on(const Job& job, const Training& training, const CheckpointSaved& saved, Instant now) {
  if (job.last_generation && saved.generation <= *job.last_generation) return ignore("an older generation");
  Job next = job;
  next.last_generation = saved.generation;
  Attempt attempt = training.attempt;
  attempt.saved = now;
  next.state = Training{std::move(attempt)};
  return Decision{std::move(next), {}};
}
Answer on(const Job& job, const Training& training, const ProgramEnded&, Instant now) {
  Job next = job;
  enter(next, Secondary::Uploading, "Uploading generated training model", now);
  next.state = Uploading{training.attempt};
  return Decision{std::move(next), {}};
}

// What Downloading, Training and Uploading have in common: something runs, and can be lost, warned, stopped, finished.
Answer attempt_over(Job job, const Attempt& attempt, const AttemptEnded& ended, Instant now) {
  auto effects = release(attempt);
  switch (ended.outcome) {
    case Outcome::succeeded:
      finish(job, Secondary::Completed, "Training job completed", "", now);
      break;
    case Outcome::program_failed:
      finish_failed(job, "AlgorithmError: " + ended.reason, now);
      break;
    case Outcome::bad_input:
      finish_failed(job, "ClientError: " + ended.reason, now);
      break;
    case Outcome::failed:
      return failed_by_us(std::move(job), attempt, ended.reason, now);
    case Outcome::reclaimed:
      return interrupted(std::move(job), attempt, now);
    // The agent stopped by itself without an order of ours: somebody ended it by hand. It is an instance lost.
    case Outcome::stopped:
      return lost(std::move(job), attempt, {attempt.fence, false, ended.reason}, now);
  }
  return Decision{std::move(job), std::move(effects)};
}

template <class S>
concept Working = std::same_as<S, Downloading> || std::same_as<S, Training> || std::same_as<S, Uploading>;

Answer on(const Job& job, const Working auto& working, const AttemptEnded& ended, Instant now) {
  return attempt_over(job, working.attempt, ended, now);
}
Answer on(const Job& job, const Working auto& working, const InstanceGone& gone, Instant now) {
  return lost(job, working.attempt, gone, now);
}
Answer on(const Job& job, const Working auto& working, const StopRequested&, Instant now) {
  const bool uploading = secondary_status(job) == Secondary::Uploading;
  auto outcome = stop_gently(job, working.attempt, StopReason::user, now);
  if (uploading) enter(outcome->job, Secondary::Uploading, "Uploading generated training model", now);
  return outcome;
}
template <Working S>
Answer on(const Job& job, const S& working, const NoticeReceived& notice, Instant) {
  if (working.attempt.notice) return ignore("warned already");
  Job next = job;
  Attempt attempt = working.attempt;
  attempt.notice = notice.deadline;
  next.state = S{std::move(attempt)};
  return Decision{std::move(next), {}};
}
Answer on(const Job& job, const Working auto& working, const TimeReached&, Instant now) {
  if (overdue(working.attempt, now)) return interrupted(job, working.attempt, now);
  // The program has ended by itself: its result is uploaded, whatever the limits say.
  if (std::same_as<std::decay_t<decltype(working)>, Uploading>) return ignore("uploading has no limit of its own");
  if (const auto wall = wall_reached(job, true, now)) return stop_gently(job, working.attempt, *wall, now);
  return ignore("no limit is reached");
}

Answer on(const Job& job, const Launching& launching, const AttemptEnded& ended, Instant now) {
  return attempt_over(job, launching.attempt, ended, now);
}

Answer on(const Job& job, const Stopping& stopping, const ProgramEnded&, Instant now) {
  if (secondary_status(job) == Secondary::Uploading) return ignore("uploading already");
  Job next = job;
  enter(next, Secondary::Uploading, "Uploading generated training model", now);
  next.state = stopping;
  return Decision{std::move(next), {}};
}
Answer on(const Job& job, const Stopping&, const CheckpointSaved& saved, Instant) {
  if (job.last_generation && saved.generation <= *job.last_generation) return ignore("an older generation");
  Job next = job;
  next.last_generation = saved.generation;
  return Decision{std::move(next), {}};
}
// However the attempt ended, the user gets what was asked for: a stopped job.
Answer stopped(Job job, const Stopping& stopping, Instant now) {
  auto effects = release(stopping.attempt);
  const StopReason reason = stopping.reason;
  finish_stopped(job, reason, now);
  return Decision{std::move(job), std::move(effects)};
}
Answer on(const Job& job, const Stopping& stopping, const AttemptEnded&, Instant now) {
  return stopped(job, stopping, now);
}
Answer on(const Job& job, const Stopping& stopping, const InstanceGone&, Instant now) {
  return stopped(job, stopping, now);
}
Answer on(const Job& job, const Stopping& stopping, const TimeReached&, Instant now) {
  if (now < stopping.give_up && !overdue(stopping.attempt, now)) return ignore("no limit is reached");
  return stopped(job, stopping, now);
}
Answer on(const Job& job, const Stopping& stopping, const NoticeReceived& notice, Instant) {
  if (stopping.attempt.notice) return ignore("warned already");
  Job next = job;
  std::get<Stopping>(next.state).attempt.notice = notice.deadline;
  return Decision{std::move(next), {}};
}

Answer on(const Job& job, const Ended&, const InstanceUp& up, Instant) {
  return Decision{job, {ReleaseInstance{up.fence}}};
}

// Everything else says nothing new in that state.
template <class S, class E>
Answer on(const Job&, const S&, const E&, Instant) {
  return ignore("nothing to do in this state");
}

std::optional<Fence> fence_of(const Event& event) {
  return std::visit(
      [](const auto& what) -> std::optional<Fence> {
        if constexpr (requires { what.fence; }) return what.fence;
        return std::nullopt;
      },
      event);
}

}  // namespace

Decision create(std::shared_ptr<const JobSpec> spec, Instant now) {
  Job job;
  job.spec = std::move(spec);
  job.created = now;
  job.booked_until = now;
  job.version = 1;
  job.transitions.push_back({Secondary::Starting, now, std::nullopt, "Starting the training job"});
  job.state = Waiting{now};
  return {std::move(job), {}};
}

tl::expected<Decision, Ignored> decide(const Job& job, const Event& event, Instant clock) {
  const Instant now = no_earlier(job, clock);
  if (const auto fence = fence_of(event); fence && !std::holds_alternative<Placed>(event)) {
    const Attempt* attempt = current_attempt(job);
    if (!attempt || attempt->fence != *fence) {
      if (std::holds_alternative<InstanceUp>(event)) return Decision{job, {ReleaseInstance{*fence}}};
      return ignore(fmt::format("fence {} is not the current attempt's", fence->value));
    }
  }
  auto outcome =
      std::visit([&](const auto& state, const auto& what) { return on(job, state, what, now); }, job.state, event);
  if (outcome) outcome->job.version = job.version + 1;
  return outcome;
}

std::optional<Instant> next_wakeup(const Job& job) {
  std::optional<Instant> earliest;
  const auto consider = [&](std::optional<Instant> at) {
    if (at && (!earliest || *at < *earliest)) earliest = at;
  };
  const auto consider_notice = [&](const Attempt& attempt) {
    if (attempt.notice) consider(*attempt.notice + kReclaimSlack);
  };
  std::visit(Overload{[&](const Waiting&) { consider(max_wait_at(job)); },
                      [&](const Launching& s) {
                        consider(max_wait_at(job));
                        consider(s.attempt.requested + kLaunchTimeout);
                      },
                      [&](const Uploading& s) { consider_notice(s.attempt); },
                      [&](const Stopping& s) {
                        consider(s.give_up);
                        consider_notice(s.attempt);
                      },
                      [&](const Ended&) {},
                      [&](const auto& s) {
                        consider(max_wait_at(job));
                        consider(max_runtime_at(job));
                        consider_notice(s.attempt);
                      }},
             job.state);
  return earliest;
}

}  // namespace holdfast::job
