// P9: a stop that was acknowledged is done, and nothing else ends a program: whoever's program was killed or asked to
// end finds the reason on record, and that the service was down or came back is none.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/overload.hpp"
#include "sim/checkers/checkers.hpp"
#include "sim/checkers/places.hpp"
#include "sim/checkers/service_clock.hpp"

namespace holdfast::sim::checkers {

namespace {

constexpr Duration kGrace = seconds{120};  // SIGTERM to SIGKILL, as SageMaker gives it
// A save that is under way then may be finished, for as long as saves took and a quarter more, or this where none is
// known.
constexpr Duration kForASave = minutes{10};
constexpr Duration kForASaveAtMost = minutes{30};
constexpr Duration kAfterAStop = kGrace + hours{2};  // the last checkpoint and the model, at most
// An agent is taken for lost after five minutes of silence that the service listened to. Less, because a clock that is
// set may make a few of its ticks look longer than they were.
constexpr Duration kListened = minutes{4};
constexpr std::string_view kSilent = "silent";  // so the service says itself why it took an instance for gone

class StopsAndDeaths final : public Checker {
 public:
  explicit StopsAndDeaths(const Slack& slack)
      : Checker("P9"), slack_(slack), stops_(clock_), programs_stop_(clock_), grace_(clock_), with_instance_(clock_) {}

  void see(const Record& record) override {
    sweep(record.at);
    clock_.see(record);
    process_.see(record);
    places_.see(record);
    std::visit(
        Overload{[&](const StopAcked& r) { on(record.at, r); }, [&](const Decided& r) { on(record.at, r); },
                 [&](const LeaseBegan& r) { on(record.at, r); }, [&](const LeaseEnded& r) { on(record.at, r); },
                 [&](const ReclaimAnnounced& r) { warned_.insert(r.fence); },
                 [&](const AttemptOpened& r) {
                   auto& newest = newest_opened_[places_.of(r.job)];
                   newest = std::max(newest, r.fence);
                 },
                 [&](const ProgramBegan& r) { on(record.at, r); }, [&](const ProgramOver& r) { on(record.at, r); },
                 [&](const FaultsStopped&) { faults_stopped_ = true; }, [](const auto&) {}},
        record.what);
  }

  void finish(const Ending& ending) override {
    sweep(ending.at + seconds{1});
    for (const auto& [name, life] : jobs_) {
      if (life.stop_acked && ending.complete && !job::is_ended(*life.stored))
        violated(ending.at, fmt::format("{}: its stop was acknowledged, and it is {} to this day", name.value,
                                        state_name(life.stored->state)));
    }
  }

 private:
  struct Life {
    std::shared_ptr<const job::Job> stored;
    bool stop_acked = false;
    bool stop_decided = false;      // on its user's wish
    bool stopped_in_calm = false;   // and after faults had stopped
    Instant stopping_since;         // while it is Stopping
    Instant grace_since;            // of the programs that are told of the stop
    std::map<Fence, int> programs;  // running, on instances that are there
  };
  struct Lease {
    int live = 0;
    Instant began;
  };

  static bool is_over(const Life& life, Fence fence) {
    const auto* attempt = life.stored ? job::current_attempt(*life.stored) : nullptr;
    return !attempt || attempt->fence != fence;
  }

  // ---- the stop

  void on(Instant at, const StopAcked& acked) {
    auto& life = jobs_[acked.job];
    if (!life.stored) return violated(at, fmt::format("{}: stopped before it was stored", acked.job.value));
    life.stop_acked = true;
    const bool ended = job::is_ended(*life.stored);
    if (!ended && !std::holds_alternative<job::Stopping>(life.stored->state))
      violated(at, fmt::format("{}: its stop was acknowledged while it is stored as {}", acked.job.value,
                               state_name(life.stored->state)));
    if (!ended) stops_.set(acked.job, clock_.service_time(at) + kAfterAStop, at);
    if (life.programs.empty()) return;
    programs_stop_.set(acked.job, clock_.service_time(at) + kAfterAStop + slack_.lease_outlives, at);
    life.grace_since = at;
    if (life.stopped_in_calm) start_grace(at, life);
  }

  // With every part at work the program is over as soon as its grace is, and its save.
  void start_grace(Instant at, const Life& life) {
    const bool saves = life.stored && life.stored->spec->checkpoint;
    for (const auto& [fence, count] : life.programs) {
      const auto longest = longest_save_.find(fence);
      const Duration known = longest == longest_save_.end() ? kForASave : longest->second * 5 / 4;
      const Duration save = saves ? std::min(known, kForASaveAtMost) : Duration{0};
      const Duration left = life.grace_since + kGrace + save + slack_.walls - at;
      if (left <= Duration{0}) continue;  // it has been said
      grace_.clear(fence);
      grace_.add(fence, at, left);
    }
  }

  void on(Instant at, const Decided& decided) {
    auto& life = jobs_[decided.job];
    const std::string& name = decided.job.value;
    if (decided.event) {
      std::visit(Overload{[&](const job::Placed& placed) {
                            if (life.stop_acked)
                              violated(at, fmt::format("{}: attempt {} was placed after its stop was acknowledged",
                                                       name, placed.fence.value));
                          },
                          [&](const job::StopRequested&) {
                            life.stop_decided = true;
                            life.stopped_in_calm = faults_stopped_;
                          },
                          [&](const job::InstanceGone& gone) { judge_gone(at, decided, gone, life); },
                          [&](const job::CheckpointSaved& saved) { on(at, saved, life); }, [](const auto&) {}},
                 *decided.event);
    }
    const auto* ended = std::get_if<job::Ended>(&decided.after->state);
    if (ended) {
      stops_.clear(decided.job);
      const bool stopped = ended->status == job::Secondary::Stopped;
      if (life.stop_decided && !stopped)
        violated(at, fmt::format("{}: was stopped by its user and ended as {}", name, to_string(ended->status)));
      if (!life.stop_decided && stopped)
        violated(at, fmt::format("{}: ended as Stopped, and nobody had stopped it", name));
    }
    const bool stopping = std::holds_alternative<job::Stopping>(decided.after->state);
    if (stopping && !(life.stored && std::holds_alternative<job::Stopping>(life.stored->state)))
      life.stopping_since = at;
    life.stored = decided.after;
  }

  void on(Instant at, const job::CheckpointSaved& saved, const Life& life) {
    auto& longest = longest_save_[saved.fence];
    longest = std::max(longest, saved.took);
    if (life.stop_acked && life.stopped_in_calm) start_grace(at, life);
  }

  // ---- who may be taken for lost

  // Without the provider's word only a long silence tells that an instance is lost, and a service that was down, or has
  // just come back, has not listened. (A provider that leaves an instance out of its list has given its word.)
  void judge_gone(Instant at, const Decided& decided, const job::InstanceGone& gone, const Life& life) {
    if (gone.why.find(kSilent) == std::string::npos) return;
    const auto lease = leases_.find(gone.fence);
    if (lease == leases_.end() || lease->second.live == 0 || ended_.contains(gone.fence)) return;
    if (!life.stored || is_over(life, gone.fence)) return;
    const Duration listened = at - std::max(process_.up_since(), lease->second.began);
    if (listened < kListened)
      violated(at, fmt::format("{}: attempt {} was taken for lost ({}) though its instance is there, {} ms after the "
                               "service or the instance came up",
                               decided.job.value, gone.fence.value, gone.why, listened.count()));
  }

  void on(Instant at, const LeaseBegan& began) {
    auto& lease = leases_[began.fence];
    lease.live += 1;
    lease.began = at;
  }

  void on(Instant at, const LeaseEnded& ended) {
    ended_.insert(ended.fence);
    with_instance_.clear(ended.fence);
    auto& life = jobs_[ended.job];
    if (ended.why == LeaseEnded::Why::released && life.stored && !is_over(life, ended.fence))
      violated(at, fmt::format("{}: the instance of attempt {} was released while that attempt was the current one",
                               ended.job.value, ended.fence.value));
    const auto lease = leases_.find(ended.fence);
    if (lease == leases_.end() || --lease->second.live > 0) return;
    leases_.erase(lease);
    // What may still run there cannot be reached by anybody.
    program_gone(ended.job, life, ended.fence, true);
  }

  // ---- programs

  void on(Instant at, const ProgramBegan& began) {
    auto& life = jobs_[began.job];
    if (!leases_.contains(began.fence)) return;
    ++life.programs[began.fence];
    if (!life.stop_acked) return;
    programs_stop_.set(began.job, clock_.service_time(at) + kAfterAStop + slack_.lease_outlives, at);
    life.grace_since = at;
    if (life.stopped_in_calm) start_grace(at, life);
  }

  void on(Instant at, const ProgramOver& over) {
    auto& life = jobs_[over.job];
    program_gone(over.job, life, over.fence, false);
    constexpr std::array how{"finished", "failed", "asked to end", "killed", "gone with its instance", "orphaned"};
    switch (over.how) {
      case ProgramOver::How::finished:
      case ProgramOver::How::failed:
        return;
      case ProgramOver::How::with_instance:
        if (!ended_.contains(over.fence)) with_instance_.add(over.fence, at, slack_.lease_outlives);
        return;
      case ProgramOver::How::killed:
        judge_grace(at, over, life);
        [[fallthrough]];
      case ProgramOver::How::asked:
      case ProgramOver::How::orphaned:
        if (!has_cause(over, life))
          violated(at, fmt::format("{}: the program of attempt {} was {}, and nothing on record gives the reason",
                                   over.job.value, over.fence.value, how[static_cast<std::size_t>(over.how)]));
    }
  }

  // Who is stopped gets its time, unless the instance goes or another attempt has taken over.
  void judge_grace(Instant at, const ProgramOver& over, const Life& life) {
    if (!life.stored || is_over(life, over.fence) || !std::holds_alternative<job::Stopping>(life.stored->state)) return;
    if (warned_.contains(over.fence) || ended_.contains(over.fence)) return;
    if (at - life.stopping_since < kGrace)
      violated(at, fmt::format("{}: its program was killed {} ms after the order to stop, and had {} ms",
                               over.job.value, (at - life.stopping_since).count(), kGrace.count()));
  }

  bool has_cause(const ProgramOver& over, const Life& life) const {
    if (!life.stored) return false;
    if (is_over(life, over.fence) || std::holds_alternative<job::Stopping>(life.stored->state)) return true;
    if (warned_.contains(over.fence) || ended_.contains(over.fence)) return true;
    const auto newest = newest_opened_.find(places_.of(over.job));
    return newest != newest_opened_.end() && newest->second > over.fence;
  }

  void program_gone(const JobName& job, Life& life, Fence fence, bool all) {
    const auto found = life.programs.find(fence);
    if (found == life.programs.end()) return;
    if (!all && --found->second > 0) return;
    life.programs.erase(found);
    grace_.clear(fence);
    if (life.programs.empty()) programs_stop_.clear(job);
  }

  void sweep(Instant at) {
    stops_.sweep(at, slack_.walls, [&](const JobName& job, Duration by) {
      violated(at, fmt::format("{}: its stop was acknowledged, and it is not over {} ms after the limit", job.value,
                               by.count()));
    });
    programs_stop_.sweep(at, slack_.walls, [&](const JobName& job, Duration by) {
      violated(at, fmt::format("{}: its stop was acknowledged, and its program runs {} ms after the limit", job.value,
                               by.count()));
    });
    grace_.sweep(at, [&](Fence fence, Duration by) {
      violated(at,
               fmt::format("attempt {}: stopped, and its program runs {} ms after its grace", fence.value, by.count()));
    });
    with_instance_.sweep(at, [&](Fence fence, Duration) {
      violated(
          at, fmt::format("attempt {}: its program went with its instance, but the instance did not end", fence.value));
    });
  }

  Slack slack_;
  ServiceClock clock_;
  ServiceClock process_{ServiceClock::Counts::process_up};
  Places places_;
  ServiceDeadlines<JobName> stops_, programs_stop_;
  UptimeDeadlines<Fence> grace_, with_instance_;
  std::map<JobName, Life> jobs_;
  std::map<Fence, Lease> leases_;           // live instances
  std::map<Fence, Duration> longest_save_;  // as its agent measured it
  std::set<Fence> ended_, warned_;
  std::map<std::string, Fence> newest_opened_;
  bool faults_stopped_ = false;
};

}  // namespace

std::unique_ptr<Checker> stops_and_deaths(const Slack& slack) { return std::make_unique<StopsAndDeaths>(slack); }

}  // namespace holdfast::sim::checkers
