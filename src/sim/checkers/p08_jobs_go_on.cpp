// P8: a job that could run does. What was decided is carried out, over crashes too, and an agent's last word is heard;
// a launch that brings nothing is given up in time; once faults have stopped an instance that is gone is noticed, a job
// waits for nothing while nobody uses capacity, and in the end none is left live.
#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

#include "base/overload.hpp"
#include "sim/checkers/checkers.hpp"
#include "sim/checkers/service_clock.hpp"

namespace holdfast::sim::checkers {

namespace {

constexpr Duration kCarriedOut = seconds{60};   // an effect without an outcome is carried out again twice by then
constexpr Duration kLongestPause = minutes{5};  // between two launches, whatever failed before
constexpr Duration kHeard = seconds{30};        // what a provider says is decided on at once
constexpr Duration kListed = minutes{5};        // asked every 10 s, recorded every minute
constexpr Duration kLaunch = minutes{10};       // a launch that has brought no agent by then is tried again

class JobsGoOn final : public Checker {
 public:
  explicit JobsGoOn(const Slack& slack)
      : Checker("P8"),
        slack_(slack),
        launches_(clock_),
        waits_(clock_),
        gone_(reach_),
        to_launch_(clock_),
        to_release_(clock_),
        to_notice_(clock_),
        to_list_(process_) {}

  void see(const Record& record) override {
    sweep(record.at);
    clock_.see(record);
    reach_.see(record);
    process_.see(record);
    std::visit(Overload{[&](const Decided& r) { on(record.at, r); },
                        [&](const LaunchAsked& r) {
                          asks_are_recorded_ = true;
                          to_launch_.clear(r.fence);
                        },
                        [&](const GoneTold& r) {
                          if (jobs_.contains(r.fence)) to_notice_.add(r.fence, record.at, kHeard);
                        },
                        [&](const ListAsked&) { listed(record.at); }, [&](const ServiceStarted&) { listed(record.at); },
                        // What it had heard and not stored died with it.
                        [&](const ServiceCrashed&) {
                          to_notice_.clear_all();
                          to_list_.clear(0);
                        },
                        [&](const ReleaseAsked& r) { to_release_.clear(r.fence); },
                        [&](const LeaseBegan& r) {
                          ++leases_[r.fence];
                          gone_.clear(r.fence);
                        },
                        [&](const LeaseEnded& r) { on(record.at, r); },
                        [&](const FaultsStopped&) { on_faults_stopped(record.at); }, [](const auto&) {}},
               record.what);
    // What is being launched uses capacity too.
    if (leases_.empty() && jobs_.empty()) {
      if (!idle_since_) idle_since_ = record.at;
    } else {
      idle_since_.reset();
    }
  }

  void finish(const Ending& ending) override {
    sweep(ending.at + seconds{1});
    if (!ending.complete) return;
    for (const auto& final_job : ending.jobs) {
      if (final_job.stored && !job::is_ended(*final_job.stored))
        violated(ending.at, fmt::format("{}: is {} to this day, with capacity there and nothing in its way",
                                        final_job.job.value, state_name(final_job.stored->state)));
    }
  }

 private:
  void on(Instant at, const Decided& decided) {
    const JobName& name = decided.job;
    const job::Job& job = *decided.after;
    const auto* attempt = job::current_attempt(job);
    follow(at, name, attempt ? attempt->fence : Fence{});
    launches_.clear(name);
    waits_.clear(name);
    if (const auto* launching = std::get_if<job::Launching>(&job.state))
      launches_.set(name, launching->attempt.requested + kLaunch, at);
    if (const auto* waiting = std::get_if<job::Waiting>(&job.state)) {
      waits_.set(name, waiting->not_before, at);
      if (waiting->not_before > job.booked_until + kLongestPause)
        violated(at, fmt::format("{}: means to wait {} ms by itself", name.value,
                                 (waiting->not_before - job.booked_until).count()));
    }
  }

  void follow(Instant at, const JobName& name, Fence fence) {
    auto& current = current_[name];
    if (current != fence && current.value > 0) {
      jobs_.erase(current);
      gone_.clear(current);
      to_launch_.clear(current);
      to_notice_.clear(current);
      to_release_.add(current, at, kCarriedOut);
    }
    if (current != fence && fence.value > 0) to_launch_.add(fence, at, kCarriedOut);
    current = fence;
    if (fence.value > 0) {
      jobs_[fence] = name;
    } else {
      current_.erase(name);
    }
  }

  void on(Instant at, const LeaseEnded& ended) {
    const auto found = leases_.find(ended.fence);
    if (found == leases_.end() || --found->second > 0) return;
    leases_.erase(found);
    to_release_.clear(ended.fence);
    if (!jobs_.contains(ended.fence)) return;
    if (ended.why == LeaseEnded::Why::left)
      violated(at, fmt::format("{}: the agent of attempt {} has said its last word and left, and was not heard",
                               ended.job.value, ended.fence.value));
    if (faults_stopped_) {
      gone_.add(ended.fence, at, slack_.lease_outlives);
    } else {
      gone_before_.insert(ended.fence);
    }
  }

  void on_faults_stopped(Instant at) {
    faults_stopped_ = at;
    for (const auto& fence : gone_before_) {
      if (jobs_.contains(fence) && !leases_.contains(fence)) gone_.add(fence, at, slack_.lease_outlives);
    }
    gone_before_.clear();
  }

  void sweep(Instant at) {
    launches_.sweep(at, slack_.walls, [&](const JobName& job, Duration by) {
      violated(at, fmt::format("{}: is still launching {} ms of the service's time after its launch should have been "
                               "given up",
                               job.value, by.count()));
    });
    gone_.sweep(at, [&](Fence fence, Duration by) {
      violated(at, fmt::format("{}: has not noticed for {} ms that the instance of attempt {} is gone",
                               jobs_[fence].value, (slack_.lease_outlives + by).count(), fence.value));
    });
    sweep_asks(at);
    // Where capacity is not used by anybody, whoever is eligible must have been placed.
    if (!faults_stopped_ || !idle_since_) return;
    const Instant since = std::max({*faults_stopped_, *idle_since_, clock_.up() ? clock_.up_since() : at});
    if (at - since <= slack_.walls) return;
    waits_.sweep(at, slack_.walls, [&](const JobName& job, Duration by) {
      violated(at,
               fmt::format("{}: waits {} ms longer than it must while no instance is in use", job.value, by.count()));
    });
  }

  void listed(Instant at) {
    to_list_.clear(0);
    to_list_.add(0, at, kListed);
  }

  void sweep_asks(Instant at) {
    if (!asks_are_recorded_) return;
    to_launch_.sweep(at, [&](Fence fence, Duration by) {
      violated(at, fmt::format("{}: attempt {} was placed and its instance was not asked for, {} ms later",
                               jobs_[fence].value, fence.value, (kCarriedOut + by).count()));
    });
    to_notice_.sweep(at, [&](Fence fence, Duration by) {
      violated(at,
               fmt::format("{}: was told that the instance of attempt {} is gone, and had not taken it in {} ms later",
                           jobs_[fence].value, fence.value, (kHeard + by).count()));
    });
    to_list_.sweep(at, [&](int, Duration by) {
      violated(at, fmt::format("the provider was not asked what exists for {} ms", (kListed + by).count()));
    });
    to_release_.sweep(at, [&](Fence fence, Duration by) {
      violated(at, fmt::format("attempt {} is over and its instance was not released, {} ms later", fence.value,
                               (kCarriedOut + by).count()));
    });
  }

  Slack slack_;
  ServiceClock clock_;
  ServiceClock process_{ServiceClock::Counts::process_up};
  ServiceClock reach_{ServiceClock::Counts::service_and_provider_up};
  ServiceDeadlines<JobName> launches_, waits_;
  UptimeDeadlines<Fence> gone_, to_launch_, to_release_, to_notice_;
  UptimeDeadlines<int> to_list_;  // one key: 0
  bool asks_are_recorded_ = false;
  std::map<JobName, Fence> current_;
  std::map<Fence, JobName> jobs_;  // of current attempts
  std::map<Fence, int> leases_;    // live instances
  std::set<Fence> gone_before_;    // while faults were injected
  std::optional<Instant> faults_stopped_, idle_since_;
};

}  // namespace

std::unique_ptr<Checker> jobs_go_on(const Slack& slack) { return std::make_unique<JobsGoOn>(slack); }

}  // namespace holdfast::sim::checkers
