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
// SageMaker allows 28 days of running and 30 days with the upload. Without a limit nothing but the user ends an upload
// that hangs.
constexpr Duration kUploadLimit = hours{48};
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
  auto seed = static_cast<std::uint64_t>(job.attempts);
  for (const char c : job.spec->name.value) seed = mix(seed, static_cast<unsigned char>(c));
  return full / 2 + Duration{static_cast<std::int64_t>(seed % static_cast<std::uint64_t>(full.count() / 2 + 1))};
}

// Never cuts a UTF-8 character in two.
std::string first_bytes(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  text.resize(most);
  return text;
}

void finish(Job& job, Secondary status, std::string message, std::string failure_reason, Instant now) {
  enter(job, status, std::move(message), now);
  job.transitions.back().end = now;
  job.state = Ended{status, first_bytes(std::move(failure_reason), kMaxFailureReason)};
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

// What the next attempt must do again: all that the program did since it last saved, until it ended or was cut off.
void book_lost(Job& job, const Attempt& attempt, Instant now) {
  if (!attempt.program_since) return;
  const Instant safe = std::max(*attempt.program_since, attempt.saved.value_or(*attempt.program_since));
  const bool cut_off = secondary_status(job) == Secondary::Training;
  const Instant until = cut_off ? now : job.transitions.back().start;
  job.accounts.lost_ms += std::max<std::int64_t>(0, (until - safe).count());
}

// The instance was taken away, or a spot instance died, which a user cannot tell apart.
Answer interrupted(Job job, const Attempt& attempt, Instant now) {
  book_lost(job, attempt, now);
  job.interruptions += 1;
  auto effects = release(attempt);
  wait_again(job, Secondary::Interrupted, kSpotLost, now);
  return Decision{std::move(job), std::move(effects)};
}

// A spot job that has a checkpoint and could not be brought back to it, whatever stood in the way: what keeps the
// checkpoint may be away, or refuse, for longer than an agent tries. What was trained so far is not given up for that;
// somebody may mend it, and MaxWait ends it.
bool only_could_not_go_on(const Job& job) {
  return job.spec->spot && job.last_generation && std::holds_alternative<Downloading>(job.state);
}

// A failure of ours. RetryStrategy counts these, and nothing else.
Answer failed_by_us(Job job, const Attempt& attempt, const std::string& why, Instant now) {
  auto effects = release(attempt);
  job.failures_in_a_row += 1;
  const bool goes_on = only_could_not_go_on(job);
  if (goes_on || job.retries < job.spec->max_retries) {
    if (!goes_on) job.retries += 1;
    book_lost(job, attempt, now);
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

// MaxRuntime counts the time on instances over all attempts. Nothing while no instance counts and some time is left.
std::optional<Instant> max_runtime_at(const Job& job) {
  const Duration left = job.spec->max_runtime - Duration{job.accounts.on_instance_ms()};
  const bool waiting = std::holds_alternative<Waiting>(job.state) || std::holds_alternative<Launching>(job.state);
  if (waiting && left > Duration{0}) return std::nullopt;
  return job.booked_until + left;
}

// See kMostEarly. Only a program that runs has something to save.
Duration asked_early_by(const Job& job) {
  const auto* training = std::get_if<Training>(&job.state);
  if (!training) return Duration{0};
  const Duration save = training->attempt.save_takes;
  const Duration most = std::min<Duration>(kMostEarly, job.spec->max_runtime / kMostEarlyOfMaxRuntime);
  return std::clamp<Duration>(save + save / 4 - kStopGrace, Duration{0}, most);
}

std::optional<StopReason> wall_reached(const Job& job, Instant now) {
  const auto wait = max_wait_at(job);
  const auto run = max_runtime_at(job);
  // The one that was reached first, even if we only look when both are. Both at once: a job that waited at all ends as
  // MaxWaitTimeExceeded.
  if (wait && now >= *wait && (!run || *wait <= *run)) return StopReason::max_wait;
  if (run && now >= *run) return StopReason::max_runtime;
  return std::nullopt;
}

// An instance that was warned and is silent after its deadline is taken for gone.
std::optional<Instant> overdue_at(const Attempt& attempt) {
  if (!attempt.notice) return std::nullopt;
  return *attempt.notice + kReclaimSlack;
}
bool overdue(const Attempt& attempt, Instant now) { return attempt.notice && now >= *overdue_at(attempt); }

Instant upload_limit_at(const Job& job) { return job.transitions.back().start + kUploadLimit; }

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
  if (const auto wall = wall_reached(job, now)) return stop_at_once(job, *wall, now);
  return ignore("no limit is reached");
}

// Something may be heard about an instance in every state that has one.
template <class S>
concept HasAttempt = requires(S state) {
  state.attempt;
};

template <HasAttempt S>
Answer on(const Job& job, const S& state, const InstanceUp& up, Instant) {
  if (state.attempt.instance) return ignore("known already");
  Job next = job;
  std::get<S>(next.state).attempt.instance = up.instance;
  return Decision{std::move(next), {}};
}
template <HasAttempt S>
Answer on(const Job& job, const S& state, const NoticeReceived& notice, Instant) {
  if (state.attempt.notice) return ignore("warned already");
  Job next = job;
  std::get<S>(next.state).attempt.notice = notice.deadline;
  return Decision{std::move(next), {}};
}
// The last one may come while the model is uploaded.
template <HasAttempt S>
Answer on(const Job& job, const S&, const CheckpointSaved& saved, Instant now) {
  if (job.last_generation && saved.generation <= *job.last_generation) return ignore("an older generation");
  Job next = job;
  next.last_generation = saved.generation;
  auto& attempt = std::get<S>(next.state).attempt;
  attempt.saved = now;
  attempt.save_takes = longest_of_late(attempt.save_takes, saved.took);
  return Decision{std::move(next), {}};
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
  if (overdue(launching.attempt, now)) return interrupted(job, launching.attempt, now);
  if (const auto wall = wall_reached(job, now)) return stop_at_once(job, *wall, now);
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

Answer on(const Job& job, const Training& training, const ProgramEnded&, Instant now) {
  Job next = job;
  enter(next, Secondary::Uploading, "Uploading generated training model", now);
  next.state = Uploading{training.attempt};
  return Decision{std::move(next), {}};
}

// An agent's reports may overtake each other: a program that runs has an agent that started, and one that has ended did
// run. The report that comes late is ignored then.
Answer on(const Job& job, const Launching& launching, const ProgramStarted& started, Instant now) {
  const Answer caught_up = on(job, launching, AgentStarted{started.fence}, now);
  return on(caught_up->job, std::get<Downloading>(caught_up->job.state), started, now);
}
Answer on(const Job& job, const Downloading& downloading, const ProgramEnded& ended, Instant now) {
  const Answer caught_up = on(job, downloading, ProgramStarted{ended.fence, std::nullopt}, now);
  return on(caught_up->job, std::get<Training>(caught_up->job.state), ended, now);
}
Answer on(const Job& job, const Launching& launching, const ProgramEnded& ended, Instant now) {
  const Answer caught_up = on(job, launching, AgentStarted{ended.fence}, now);
  return on(caught_up->job, std::get<Downloading>(caught_up->job.state), ended, now);
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
    // The agent stopped by itself without an order of ours: somebody ended it by hand, or a process that it needs. It
    // is an instance lost.
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
Answer on(const Job& job, const Working auto& working, const TimeReached&, Instant now) {
  if (overdue(working.attempt, now)) return interrupted(job, working.attempt, now);
  if (const auto wall = wall_reached(job, now + asked_early_by(job))) {
    return stop_gently(job, working.attempt, *wall, now);
  }
  return ignore("no limit is reached");
}

// The program has ended by itself: its result is uploaded, whatever the user's limits say.
Answer on(const Job& job, const Uploading& uploading, const TimeReached&, Instant now) {
  if (overdue(uploading.attempt, now)) return interrupted(job, uploading.attempt, now);
  if (now < upload_limit_at(job)) return ignore("no limit is reached");
  return failed_by_us(job, uploading.attempt, "the upload took too long", now);
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

// Everything else says nothing new in that state.
template <class S, class E>
Answer on(const Job&, const S&, const E&, Instant) {
  return ignore("nothing to do in this state");
}

// An attempt that is over has come up after all: it must not stay. A decision like every other, so it counts as one.
Decision release_late_instance(Job job, Fence fence) {
  job.version += 1;
  return {std::move(job), {ReleaseInstance{fence}}};
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
      if (std::holds_alternative<InstanceUp>(event)) return release_late_instance(job, *fence);
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
  if (const Attempt* attempt = current_attempt(job)) consider(overdue_at(*attempt));
  const auto consider_walls = [&] {
    const Duration early = asked_early_by(job);
    if (const auto wall = max_wait_at(job)) consider(*wall - early);
    if (const auto wall = max_runtime_at(job)) consider(*wall - early);
  };
  std::visit(Overload{[&](const Launching& s) {
                        consider_walls();
                        consider(s.attempt.requested + kLaunchTimeout);
                      },
                      [&](const Uploading&) { consider(upload_limit_at(job)); },
                      [&](const Stopping& s) { consider(s.give_up); }, [&](const Ended&) {},
                      [&](const auto&) { consider_walls(); }},
             job.state);
  return earliest;
}

}  // namespace holdfast::job
