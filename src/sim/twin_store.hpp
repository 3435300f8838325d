// The database of the simulated service: the real SQLite store in memory, which outlives the service's crashes, with
// commits that are refused, and the service's death just before and just after each.
#pragma once

#include <memory>

#include "ports/job_store.hpp"
#include "sim/crash.hpp"
#include "sim/history.hpp"
#include "sim/plan.hpp"
#include "sim/scheduler.hpp"

namespace holdfast::sim {

class TwinStore final : public ports::JobStore {
 public:
  TwinStore(std::unique_ptr<ports::JobStore> real, Scheduler& scheduler, Recorder& recorder, const FaultPlan& faults,
            Dice& dice, Boundaries& boundaries)
      : real_(std::move(real)),
        scheduler_(scheduler),
        recorder_(recorder),
        faults_(faults),
        dice_(dice),
        boundaries_(boundaries) {}

  void set_full(bool full) { full_ = full; }

  Result<void> commit(const ports::Batch& batch) override;
  Result<std::vector<job::Job>> live_jobs() override { return real_->live_jobs(); }
  Result<std::vector<ports::PendingEffect>> pending_effects() override { return real_->pending_effects(); }
  Result<Fence> highest_fence() override { return real_->highest_fence(); }
  Result<ports::StoredJob> find(const JobName& name) override { return real_->find(name); }
  Result<bool> exists(const JobName& name) override { return real_->exists(name); }
  Result<ports::ListResult> list(const ports::ListQuery& query) override { return real_->list(query); }
  Result<std::vector<std::pair<Instant, std::string>>> history(const JobName& name) override {
    return real_->history(name);
  }

 private:
  std::unique_ptr<ports::JobStore> real_;
  Scheduler& scheduler_;
  Recorder& recorder_;
  const FaultPlan& faults_;
  Dice& dice_;
  Boundaries& boundaries_;
  bool full_ = false;
};

}  // namespace holdfast::sim
