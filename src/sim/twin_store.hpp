// The database of the simulated service: the real SQLite store in memory, which outlives the service's crashes, with
// commits that are refused, and the service's death just before and just after each.
#pragma once

#include "sim/crash.hpp"
#include "sim/forwarding_store.hpp"
#include "sim/history.hpp"
#include "sim/plan.hpp"
#include "sim/scheduler.hpp"

namespace holdfast::sim {

class TwinStore final : public ForwardingStore {
 public:
  TwinStore(ports::JobStore& real, Scheduler& scheduler, Recorder& recorder, const FaultPlan& faults, Dice& dice,
            Boundaries& boundaries)
      : ForwardingStore(real),
        scheduler_(scheduler),
        recorder_(recorder),
        faults_(faults),
        dice_(dice),
        boundaries_(boundaries) {}

  void set_full(bool full) { full_ = full; }

  Result<void> commit(const ports::Batch& batch) override;

 private:
  Scheduler& scheduler_;
  Recorder& recorder_;
  const FaultPlan& faults_;
  Dice& dice_;
  Boundaries& boundaries_;
  bool full_ = false;
};

}  // namespace holdfast::sim
