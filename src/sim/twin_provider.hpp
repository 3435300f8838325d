// Capacity of the simulated world: pools whose markets open and close, instances that come late, twice, or never, that
// die and are taken away. It goes on while the service is down, which then hears of nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "market/market.hpp"
#include "ports/capacity_provider.hpp"
#include "sim/crash.hpp"
#include "sim/dice.hpp"
#include "sim/history.hpp"
#include "sim/plan.hpp"
#include "sim/scheduler.hpp"

namespace holdfast::sim {

// The world's side of an instance: the agent on it.
class InstanceWorld {
 public:
  virtual ~InstanceWorld() = default;
  virtual void boot(const ports::Launch& launch) = 0;
  virtual void announce_end(Fence fence, Instant deadline) = 0;
  // Everything that runs there is gone.
  virtual void destroy(Fence fence) = 0;
};

class TwinProvider final : public ports::CapacityProvider {
 public:
  TwinProvider(const Plan& plan, Scheduler& scheduler, Recorder& recorder, Boundaries& boundaries, Dice& dice,
               InstanceWorld& world);

  // ---- ports::CapacityProvider
  void on_event(std::function<void(ports::CapacityEvent)> sink) override { sink_ = std::move(sink); }
  std::vector<market::Offer> offers(Instant now) override;
  void launch(const ports::Launch& request) override;
  void release(Fence fence) override;
  Result<void> interrupt(Fence fence, Duration notice) override;
  Result<std::vector<ports::LeaseView>> list() override;

  // ---- the world's
  // The service has died: nobody hears any more.
  void hang_up() { sink_ = nullptr; }
  // Markets stay open, and nothing dies by itself any more.
  void calm_down();
  // The instance of that attempt has ended by itself.
  void agent_ended(Fence fence);
  std::size_t instances() const;

 private:
  struct Pool {
    PoolPlan plan;
    market::Market market;
  };
  struct Instance {
    InstanceId id;
    bool up = false;  // it costs money
    bool forgotten = false;
  };
  enum class Stage { launching, up, over, refused };
  struct Lease {
    ports::Launch launch;
    std::size_t pool = 0;
    Stage stage = Stage::launching;
    std::vector<Instance> instances;
    std::optional<Instant> notice;
    LeaseEnded::Why why = LeaseEnded::Why::released;
  };

  void begin(const ports::Launch& request, std::size_t pool);
  void come_up(Fence fence);
  void end(Fence fence, LeaseEnded::Why why, const std::string& said);
  void reclaim(Fence fence, Duration notice);
  void watch_market(std::size_t pool);
  void watch_hazards(Fence fence);
  void say(ports::CapacityEvent event);
  void say_again(const Lease& lease);
  bool open(std::size_t pool);
  int used(std::size_t pool) const;

  const Plan& plan_;
  const FaultPlan& faults_;
  Scheduler& scheduler_;
  Recorder& recorder_;
  Boundaries& boundaries_;
  Dice& dice_;
  InstanceWorld& world_;
  std::function<void(ports::CapacityEvent)> sink_;
  std::vector<Pool> pools_;
  std::map<Fence, Lease> leases_;  // all there were
  std::set<Fence> present_;        // those that exist or are on their way
  std::uint64_t next_instance_ = 1;
  bool calm_ = false;
  Instant list_recorded_;
};

}  // namespace holdfast::sim
