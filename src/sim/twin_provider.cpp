#include "sim/twin_provider.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::sim {
namespace {

constexpr Duration kLaunchLeast = seconds{2}, kLaunchMost = seconds{90};
constexpr Duration kLaunchLate = minutes{20};
constexpr Duration kReleaseMost = seconds{20};
constexpr Duration kSayMost = milliseconds{500};
constexpr Duration kSayLate = minutes{5};
constexpr Duration kForgottenMost = seconds{60};
constexpr Duration kListRecordedEvery = minutes{1};

market::Market market_of(const PoolPlan& pool, std::uint64_t seed, Instant begins) {
  if (!pool.mean_up) return market::Market(market::AlwaysOpen{}, pool.notice);
  return market::Market(market::RandomPeriods(seed, *pool.mean_up, *pool.mean_down, begins), pool.notice);
}

}  // namespace

TwinProvider::TwinProvider(const Plan& plan, Scheduler& scheduler, Recorder& recorder, Boundaries& boundaries,
                           Dice& dice, InstanceWorld& world)
    : plan_(plan),
      faults_(plan.faults),
      scheduler_(scheduler),
      recorder_(recorder),
      boundaries_(boundaries),
      dice_(dice),
      world_(world) {
  for (const auto& pool : plan_.pools) {
    pools_.push_back({pool, market_of(pool, mix(plan_.seed, pools_.size()), scheduler_.now())});
    watch_market(pools_.size() - 1);
  }
}

// ---- the market

bool TwinProvider::open(std::size_t pool) { return calm_ || pools_[pool].market.open(scheduler_.now()); }

int TwinProvider::used(std::size_t pool) const {
  return static_cast<int>(std::ranges::count_if(present_, [&](Fence fence) { return leases_.at(fence).pool == pool; }));
}

void TwinProvider::watch_market(std::size_t pool) {
  const auto next = pools_[pool].market.next_change(scheduler_.now());
  if (!next) return;
  scheduler_.at(*next, [this, pool] {
    if (calm_) return;
    watch_market(pool);
    if (!open(pool)) {
      for (const Fence fence : std::set(present_)) {
        if (leases_.at(fence).pool == pool) reclaim(fence, pools_[pool].plan.notice);
      }
    }
    if (sink_) say(ports::CapacityChanged{});
  });
}

void TwinProvider::watch_hazards(Fence fence) {
  const auto after = [&](std::optional<Duration> mean, auto happens) {
    if (!mean) return;
    scheduler_.after(dice_.wait_for(*mean), [this, fence, happens] {
      if (!calm_ && present_.contains(fence)) happens();
    });
  };
  after(faults_.mean_between_deaths, [this, fence] { end(fence, LeaseEnded::Why::died, "it died"); });
  if (!pools_[leases_.at(fence).pool].plan.spot) return;
  after(faults_.mean_between_reclaims, [this, fence] { reclaim(fence, pools_[leases_.at(fence).pool].plan.notice); });
}

std::vector<market::Offer> TwinProvider::offers(Instant) {
  std::vector<market::Offer> offers;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const auto& pool = pools_[i].plan;
    const int free = open(i) || faults_.offers_lie ? pool.slots - used(i) : 0;
    offers.push_back({PoolId{pool.name}, "*", "zone", pool.spot, free, pool.price_per_hour, pool.on_demand_per_hour});
  }
  return offers;
}

void TwinProvider::calm_down() { calm_ = true; }

std::size_t TwinProvider::instances() const {
  std::size_t count = 0;
  for (const Fence fence : present_) count += leases_.at(fence).instances.size();
  return count;
}

// ---- launching

void TwinProvider::launch(const ports::Launch& request) {
  boundaries_.pass("before a launch");
  recorder_.record({scheduler_.now(), LaunchAsked{request.fence}});
  if (const auto known = leases_.find(request.fence); known != leases_.end()) {
    say_again(known->second);
  } else if (!dice_.chance(faults_.launch_lost)) {
    std::size_t pool = 0;
    while (pool + 1 < pools_.size() && pools_[pool].plan.name != request.placement.pool.value) ++pool;
    begin(request, pool);
  } else {
    recorder_.record({scheduler_.now(), FaultInjected{fmt::format("launch {} is lost", request.fence.value)}});
  }
  boundaries_.pass("after a launch");
}

void TwinProvider::begin(const ports::Launch& request, std::size_t pool) {
  auto& lease = leases_[request.fence];
  lease.launch = request;
  lease.pool = pool;
  if (!open(pool) || used(pool) >= pools_[pool].plan.slots || dice_.chance(faults_.launch_refused)) {
    lease.stage = Stage::refused;
    return say_again(lease);
  }
  present_.insert(request.fence);
  const Duration time = dice_.chance(faults_.launch_late) ? dice_.between(kLaunchMost, kLaunchLate)
                                                          : dice_.between(kLaunchLeast, kLaunchMost);
  scheduler_.after(time, [this, fence = request.fence] { come_up(fence); });
}

void TwinProvider::come_up(Fence fence) {
  auto& lease = leases_.at(fence);
  if (lease.stage != Stage::launching) return;
  lease.stage = Stage::up;
  const int how_many = dice_.chance(faults_.launch_doubled) ? 2 : 1;
  const auto& placement = lease.launch.placement;
  for (int i = 0; i < how_many; ++i) {
    lease.instances.push_back({InstanceId{fmt::format("i-{}", next_instance_++)}, true});
    recorder_.record({scheduler_.now(), LeaseBegan{fence, lease.launch.job, lease.instances.back().id, placement.spot,
                                                   placement.price_per_hour, placement.on_demand_per_hour}});
  }
  say_again(lease);
  // The market may have closed meanwhile.
  if (!open(lease.pool)) return reclaim(fence, pools_[lease.pool].plan.notice);
  watch_hazards(fence);
  if (!dice_.chance(faults_.never_boots)) world_.boot(lease.launch);
}

// What came of it, as often as it is asked.
void TwinProvider::say_again(const Lease& lease) {
  const Fence fence = lease.launch.fence;
  const JobName& job = lease.launch.job;
  switch (lease.stage) {
    case Stage::launching:
      return;
    case Stage::up:
      for (const auto& instance : lease.instances) say(ports::InstanceUp{fence, job, instance.id});
      return;
    case Stage::refused:
      return say(ports::LaunchRefused{fence, job, "no capacity"});
    case Stage::over:
      return say(ports::InstanceGone{fence, job, lease.why == LeaseEnded::Why::reclaimed, "it is gone"});
  }
}

// ---- the end

void TwinProvider::release(Fence fence) {
  boundaries_.pass("before a release");
  recorder_.record({scheduler_.now(), ReleaseAsked{fence}});
  if (dice_.chance(faults_.release_lost)) {
    recorder_.record({scheduler_.now(), FaultInjected{fmt::format("release {} is lost", fence.value)}});
  } else if (const auto known = leases_.find(fence); known != leases_.end()) {
    scheduler_.after(dice_.between(Duration{0}, kReleaseMost), [this, fence] {
      const bool too_early = leases_.at(fence).stage == Stage::launching && dice_.chance(faults_.launch_unstoppable);
      if (present_.contains(fence) && !too_early) return end(fence, LeaseEnded::Why::released, "released");
      say(ports::InstanceGone{fence, leases_.at(fence).launch.job, false, "it was gone already"});
    });
  } else {
    say(ports::InstanceGone{fence, JobName{}, false, "no such instance"});
  }
  boundaries_.pass("after a release");
}

void TwinProvider::end(Fence fence, LeaseEnded::Why why, const std::string& said) {
  auto& lease = leases_.at(fence);
  lease.stage = Stage::over;
  lease.why = why;
  present_.erase(fence);
  for (const auto& instance : std::exchange(lease.instances, {})) {
    recorder_.record({scheduler_.now(), LeaseEnded{fence, lease.launch.job, instance.id, why}});
  }
  const bool zombie = !calm_ && dice_.chance(faults_.zombie);
  say(ports::InstanceGone{fence, lease.launch.job, why == LeaseEnded::Why::reclaimed, said});
  if (!zombie) return world_.destroy(fence);
  recorder_.record({scheduler_.now(), FaultInjected{fmt::format("attempt {} lives on as a zombie", fence.value)}});
  scheduler_.after(dice_.between(Duration{0}, faults_.zombie_at_most), [this, fence] { world_.destroy(fence); });
}

void TwinProvider::agent_ended(Fence fence) {
  if (!present_.contains(fence)) return;
  const bool warned = leases_.at(fence).notice.has_value();
  end(fence, warned ? LeaseEnded::Why::reclaimed : LeaseEnded::Why::left, "its agent has ended");
}

void TwinProvider::reclaim(Fence fence, Duration notice) {
  auto& lease = leases_.at(fence);
  if (lease.notice || lease.stage != Stage::up) return;  // one on its way finds the market closed when it comes
  lease.notice = scheduler_.now() + notice;
  if (notice > Duration{0}) {
    recorder_.record({scheduler_.now(), ReclaimAnnounced{fence, lease.launch.job, *lease.notice}});
    say(ports::ReclaimNotice{fence, lease.launch.job, *lease.notice});
    world_.announce_end(fence, *lease.notice);
  }
  scheduler_.at(*lease.notice, [this, fence] {
    if (present_.contains(fence)) end(fence, LeaseEnded::Why::reclaimed, "taken back");
  });
}

Result<void> TwinProvider::interrupt(Fence fence, Duration notice) {
  if (!present_.contains(fence)) return fail(Kind::not_found, "no such instance");
  reclaim(fence, notice);
  return {};
}

Result<std::vector<ports::LeaseView>> TwinProvider::list() {
  if (scheduler_.now() - list_recorded_ >= kListRecordedEvery) {
    list_recorded_ = scheduler_.now();
    recorder_.record({scheduler_.now(), ListAsked{}});
  }
  if (!calm_ && dice_.chance(faults_.list_fails)) return fail(Kind::try_again, "listing instances: timed out");
  std::vector<ports::LeaseView> all;
  all.reserve(present_.size());
  for (const Fence fence : present_) {
    auto& lease = leases_.at(fence);
    for (auto& instance : lease.instances) {
      if (!calm_ && !instance.forgotten && dice_.chance(faults_.list_forgets)) {
        instance.forgotten = true;
        const auto until = dice_.between(Duration{0}, kForgottenMost);
        recorder_.record({scheduler_.now(), FaultInjected{instance.id.value + " is forgotten for a while"}});
        scheduler_.after(until, [this, fence] {
          for (auto& each : leases_.at(fence).instances) each.forgotten = false;
        });
      }
      if (!instance.forgotten) all.push_back({fence, lease.launch.job, instance.id});
    }
  }
  return all;
}

// ---- saying it

void TwinProvider::say(ports::CapacityEvent event) {
  const auto deliver = [this, event](Duration delay) {
    scheduler_.after(delay, [this, event] {
      if (!sink_) return;
      if (const auto* gone = std::get_if<ports::InstanceGone>(&event)) {
        recorder_.record({scheduler_.now(), GoneTold{gone->fence}});
      }
      sink_(event);
    });
  };
  if (!calm_ && dice_.chance(faults_.event_lost)) return;
  deliver(!calm_ && dice_.chance(faults_.event_late) ? dice_.between(Duration{0}, kSayLate)
                                                     : dice_.between(Duration{1}, kSayMost));
  if (!calm_ && dice_.chance(faults_.event_doubled)) deliver(dice_.between(Duration{0}, kSayLate));
}

}  // namespace holdfast::sim
