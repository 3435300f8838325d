// A JobStore that passes everything on to another, for those that change one thing.
#pragma once

#include "ports/job_store.hpp"

namespace holdfast::sim {

class ForwardingStore : public ports::JobStore {
 public:
  explicit ForwardingStore(ports::JobStore& real) : real_(real) {}

  Result<void> commit(const ports::Batch& batch) override { return real_.commit(batch); }
  Result<std::vector<job::Job>> live_jobs() override { return real_.live_jobs(); }
  Result<std::vector<ports::PendingEffect>> pending_effects() override { return real_.pending_effects(); }
  Result<Fence> highest_fence() override { return real_.highest_fence(); }
  Result<ports::StoredJob> find(const JobName& name) override { return real_.find(name); }
  Result<bool> exists(const JobName& name) override { return real_.exists(name); }
  Result<ports::ListResult> list(const ports::ListQuery& query) override { return real_.list(query); }
  Result<std::vector<ports::StoredRow>> scan(const JobName& after, std::size_t limit) override {
    return real_.scan(after, limit);
  }
  Result<std::vector<std::pair<Instant, std::string>>> history(const JobName& name) override {
    return real_.history(name);
  }
  Result<ports::Overview> overview() override { return real_.overview(); }

 private:
  ports::JobStore& real_;
};

}  // namespace holdfast::sim
