#include "sim/twin_store.hpp"

namespace holdfast::sim {

Result<void> TwinStore::commit(const ports::Batch& batch) {
  boundaries_.pass("before a commit");
  if (full_) return fail(Kind::no_space, "database: the disk is full");
  if (dice_.chance(faults_.store_busy)) return fail(Kind::try_again, "database: it is busy");
  if (auto done = ForwardingStore::commit(batch); !done) return done;
  for (const auto& step : batch.steps) {
    recorder_.record({scheduler_.now(), Decided{step.job.spec->name, step.job.version, step.event, step.at,
                                                std::make_shared<const job::Job>(step.job)}});
  }
  boundaries_.pass("after a commit");
  return {};
}

}  // namespace holdfast::sim
