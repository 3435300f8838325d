// P7: no instance outlives its attempt by more than one sweep, none is there that nobody asked for, and in the end
// every second of every instance is accounted for.
#include <fmt/format.h>

#include <map>
#include <string>
#include <tuple>

#include "base/overload.hpp"
#include "sim/checkers/checkers.hpp"
#include "sim/checkers/service_clock.hpp"

namespace holdfast::sim::checkers {

namespace {

class NoLeaseLeft final : public Checker {
 public:
  explicit NoLeaseLeft(const Slack& slack) : Checker("P7"), slack_(slack.lease_outlives), overdue_(clock_) {}

  void see(const Record& record) override {
    sweep(record.at);
    clock_.see(record);
    std::visit(Overload{[&](const Decided& r) { on(record.at, r); }, [&](const LeaseBegan& r) { on(record.at, r); },
                        [&](const LeaseEnded& r) { on(record.at, r); }, [](const auto&) {}},
               record.what);
  }

  void finish(const Ending& ending) override {
    sweep(ending.at);
    if (!ending.complete) return;
    for (const auto& [key, lease] : leases_)
      violated(ending.at,
               fmt::format("{}: instance {} of attempt {} is still there: {} ms unaccounted for", lease.job.value,
                           key.second.value, key.first.value, (ending.at - lease.began).count()));
  }

 private:
  // A provider may start two instances for one fence: each must end.
  using Key = std::pair<Fence, InstanceId>;
  struct Lease {
    JobName job;
    Instant began;
  };

  void on(Instant at, const Decided& decided) {
    const auto* attempt = job::current_attempt(*decided.after);
    auto& current = current_[decided.job];
    if (attempt && attempt->fence == current) return;
    if (current.value > 0) over(at, current);
    current = attempt ? attempt->fence : Fence{};
    if (attempt) placed_[attempt->fence] = decided.job;
    if (job::is_ended(*decided.after)) current_.erase(decided.job);
  }

  // From here on its instances have no reason to be.
  void over(Instant at, Fence fence) {
    for (auto lease = leases_.lower_bound({fence, InstanceId{}}); lease != leases_.end() && lease->first.first == fence;
         ++lease) {
      overdue_.add(lease->first, at, slack_);
    }
  }

  void on(Instant at, const LeaseBegan& began) {
    const Key key{began.fence, began.instance};
    if (!leases_.emplace(key, Lease{began.job, at}).second)
      violated(at, fmt::format("{}: instance {} of attempt {} began twice", began.job.value, began.instance.value,
                               began.fence.value));
    const auto placed = placed_.find(began.fence);
    if (placed == placed_.end()) {
      violated(at, fmt::format("{}: instance {} began for attempt {}, which was never placed", began.job.value,
                               began.instance.value, began.fence.value));
    } else if (placed->second != began.job) {
      violated(at, fmt::format("{}: instance {} began for attempt {}, which belongs to {}", began.job.value,
                               began.instance.value, began.fence.value, placed->second.value));
    }
    const auto current = current_.find(began.job);
    if (current == current_.end() || current->second != began.fence) overdue_.add(key, at, slack_);
  }

  void on(Instant at, const LeaseEnded& ended) {
    const Key key{ended.fence, ended.instance};
    overdue_.clear(key);
    if (leases_.erase(key) == 0)
      violated(at, fmt::format("{}: instance {} of attempt {} ended, but never began", ended.job.value,
                               ended.instance.value, ended.fence.value));
  }

  void sweep(Instant at) {
    overdue_.sweep(at, [&](const Key& key, Duration by) {
      const auto lease = leases_.find(key);
      if (lease == leases_.end()) return;
      violated(at, fmt::format("{}: instance {} outlives its attempt {} by {} ms", lease->second.job.value,
                               key.second.value, key.first.value, (slack_ + by).count()));
    });
  }

  Duration slack_;
  ServiceClock clock_{ServiceClock::Counts::service_and_provider_up};
  UptimeDeadlines<Key> overdue_;
  std::map<Key, Lease> leases_;       // live ones
  std::map<JobName, Fence> current_;  // of live jobs
  std::map<Fence, JobName> placed_;   // all there ever were
};

}  // namespace

std::unique_ptr<Checker> no_lease_left(const Slack& slack) { return std::make_unique<NoLeaseLeft>(slack); }

}  // namespace holdfast::sim::checkers
