// The table of leases, kept in the same transaction as the decisions that it follows from.
#pragma once

#include "ports/job_store.hpp"
#include "store/sqlite.hpp"

namespace holdfast::store {

class LeaseRows {
 public:
  explicit LeaseRows(Database& database);

  // What a decision says about instances: most say nothing.
  Result<void> follow(const ports::Step& step);
  // The outcome of an effect is there: of a release it means that nothing of the instance is left.
  Result<void> done(const ports::EffectKey& key, Instant at);

 private:
  Result<void> mark(Statement& statement, Fence fence, Instant at);

  Statement insert_, up_, asked_, gone_;
};

}  // namespace holdfast::store
