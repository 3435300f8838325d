// P5: MaxRuntime and MaxWait hold, neither early nor late, and so do the limits of an upload and of stopping. The times
// are added up from the visits to statuses, in the service's own time; lateness counts only while the service was up.
#include <fmt/format.h>

#include <map>
#include <optional>

#include "base/overload.hpp"
#include "sim/checkers/checkers.hpp"
#include "sim/checkers/service_clock.hpp"
#include "sim/checkers/visits.hpp"

namespace holdfast::sim::checkers {

namespace {

using job::Secondary;
using job::StopReason;

// What users are told: 120 s after SIGTERM, then two hours for the last checkpoint and the model; two days for an
// upload that nobody ordered.
constexpr Duration kAfterAStop = seconds{120} + hours{2};
constexpr Duration kUpload = hours{48};
// A program whose saves, and a quarter more, take longer than the 120 s is asked earlier by the difference, but by no
// more than this and a quarter of MaxRuntime.
constexpr Duration kEarliest = minutes{30};

std::optional<StopReason> reason_of(Secondary status) {
  switch (status) {
    case Secondary::Stopped:
      return StopReason::user;
    case Secondary::MaxRuntimeExceeded:
      return StopReason::max_runtime;
    case Secondary::MaxWaitTimeExceeded:
      return StopReason::max_wait;
    default:
      return std::nullopt;
  }
}
const char* name_of(StopReason reason) {
  return reason == StopReason::user ? "its user" : reason == StopReason::max_runtime ? "MaxRuntime" : "MaxWait";
}

class Walls final : public Checker {
 public:
  explicit Walls(const Slack& slack) : Checker("P5"), slack_(slack.walls), walls_(clock_) {}

  void see(const Record& record) override {
    walls_.sweep(record.at, slack_, [&](const JobName& job, Duration by) { too_late(record.at, job, by); });
    clock_.see(record);
    if (const auto* decided = std::get_if<Decided>(&record.what)) on(record.at, *decided);
    if (const auto* accepted = std::get_if<Accepted>(&record.what)) on(record.at, *accepted);
  }

  void finish(const Ending& ending) override {
    walls_.sweep(ending.at + seconds{1}, slack_,
                 [&](const JobName& job, Duration by) { too_late(ending.at, job, by); });
  }

 private:
  struct Life {
    std::shared_ptr<const job::Job> stored;
    Duration on_instance{0};         // of the visits that are over
    std::optional<Instant> stopped;  // when the order to stop was given
    Duration save{0};                // the longest of the present attempt, as it told
  };

  void on(Instant at, const Accepted& accepted) {
    const auto found = jobs_.find(accepted.job);
    if (found == jobs_.end()) return;
    const auto& spec = *found->second.stored->spec;
    if (accepted.max_runtime > Duration{0} && accepted.max_runtime != spec.max_runtime)
      violated(at, fmt::format("{}: accepted with MaxRuntime {} ms, stored with {} ms", accepted.job.value,
                               accepted.max_runtime.count(), spec.max_runtime.count()));
    if (accepted.max_wait && accepted.max_wait != spec.max_wait)
      violated(at, fmt::format("{}: accepted with MaxWait {} ms, stored with another", accepted.job.value,
                               accepted.max_wait->count()));
  }

  void on(Instant at, const Decided& decided) {
    if (const auto by = walls_.late_by(decided.job, at); by && *by > slack_) too_late(at, decided.job, *by);
    auto& life = jobs_[decided.job];
    if (life.stored) {
      add_up(life, *decided.after);
      judge_stop(at, decided, life);
    }
    note_saves(decided, life);
    life.stored = decided.after;
    arm(at, decided.job, life);
  }

  // The visits that this decision closed.
  static void add_up(Life& life, const job::Job& after) {
    const auto open = find_open_visit(*life.stored, after);
    if (!open) return;  // P6 says so
    for (std::size_t i = *open; i < after.transitions.size(); ++i) {
      const auto& visit = after.transitions[i];
      if (is_on_instance(visit.status) && visit.end) life.on_instance += *visit.end - visit.start;
    }
  }

  void judge_stop(Instant at, const Decided& decided, Life& life) {
    const auto* was = std::get_if<job::Stopping>(&life.stored->state);
    const auto* is = std::get_if<job::Stopping>(&decided.after->state);
    const auto* ended = std::get_if<job::Ended>(&decided.after->state);
    if (std::holds_alternative<job::Ended>(life.stored->state)) return;
    if (is && !was) {
      life.stopped = decided.after->transitions.back().start;
      judge_reached(at, decided, life, is->reason);
    }
    const auto reason = ended ? reason_of(ended->status) : std::nullopt;
    if (was && ended && reason != was->reason)
      violated(at, fmt::format("{}: was being stopped by {} and ended as {}", decided.job.value, name_of(was->reason),
                               to_string(ended->status)));
    if (!was && reason) judge_reached(at, decided, life, *reason);
  }

  static void note_saves(const Decided& decided, Life& life) {
    if (!decided.event) return;
    if (std::holds_alternative<job::Placed>(*decided.event)) life.save = Duration{0};
    if (const auto* saved = std::get_if<job::CheckpointSaved>(&*decided.event)) {
      life.save = std::max(life.save, saved->took);
    }
  }

  static Duration may_be_early(const Life& life) {
    const Duration beyond = life.save * 5 / 4 - seconds{120};
    const Duration most = std::min<Duration>(kEarliest, life.stored->spec->max_runtime / 4);
    return std::clamp<Duration>(beyond, Duration{0}, most);
  }

  // Never before its time: by the job's own times, and by the furthest that the service's clock ever was.
  void judge_reached(Instant at, const Decided& decided, const Life& life, StopReason reason) {
    const job::Job& job = *decided.after;
    const Instant now = job.transitions.back().start;
    const Duration early = may_be_early(life);
    if (reason == StopReason::max_runtime && life.on_instance < job.spec->max_runtime - early)
      violated(at, fmt::format("{}: MaxRuntime is {} ms, and it was stopped after {} ms on instances",
                               decided.job.value, job.spec->max_runtime.count(), life.on_instance.count()));
    if (reason != StopReason::max_wait) return;
    if (!job.spec->max_wait)
      return violated(at, fmt::format("{}: has no MaxWait, and was stopped for it", decided.job.value));
    const Instant wall = job.created + *job.spec->max_wait - early;
    if (now < wall || clock_.furthest(at) < wall)
      violated(at,
               fmt::format("{}: MaxWait is {} ms, and it was stopped after {} ms", decided.job.value,
                           job.spec->max_wait->count(), (std::min(now, clock_.furthest(at)) - job.created).count()));
  }

  // What the job must have left its state by.
  void arm(Instant at, const JobName& name, const Life& life) {
    const job::Job& job = *life.stored;
    const auto& visit = job.transitions.back();
    std::optional<Instant> due;
    const auto consider = [&](Instant limit) { due = due ? std::min(*due, limit) : limit; };
    std::visit(Overload{[](const job::Ended&) {},
                        [&](const job::Stopping&) {
                          if (life.stopped) consider(*life.stopped + kAfterAStop);
                        },
                        [&](const job::Uploading&) { consider(visit.start + kUpload); },
                        [&](const auto&) {
                          if (job.spec->max_wait) consider(job.created + *job.spec->max_wait);
                          const Duration left = job.spec->max_runtime - life.on_instance;
                          if (is_on_instance(visit.status) || left <= Duration{0}) consider(visit.start + left);
                        }},
               job.state);
    if (due) {
      walls_.set(name, *due, at);
    } else {
      walls_.clear(name);
    }
  }

  void too_late(Instant at, const JobName& job, Duration by) {
    const auto& life = jobs_[job];
    violated(at, fmt::format("{}: is still {} {} ms of the service's time after its limit", job.value,
                             state_name(life.stored->state), by.count()));
  }

  Duration slack_;
  ServiceClock clock_;
  ServiceDeadlines<JobName> walls_;
  std::map<JobName, Life> jobs_;
};

}  // namespace

std::unique_ptr<Checker> walls(const Slack& slack) { return std::make_unique<Walls>(slack); }

}  // namespace holdfast::sim::checkers
