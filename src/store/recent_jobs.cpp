#include "store/recent_jobs.hpp"

namespace holdfast::store {

std::shared_ptr<const ports::StoredJob> RecentJobs::find(const JobName& name) {
  const std::lock_guard lock(mutex_);
  const auto* known = jobs_.find(name);
  return known ? *known : nullptr;
}

RecentJobs::Moment RecentJobs::now() {
  const std::lock_guard lock(mutex_);
  return moment_;
}

void RecentJobs::put(const std::shared_ptr<const ports::StoredJob>& job, Moment read_since) {
  const std::lock_guard lock(mutex_);
  const bool under_way = moment_ % 2 != 0;
  if (!under_way && moment_ == read_since) jobs_.put(job->job.spec->name, job);
}

void RecentJobs::commit_begins(const ports::Batch& batch) {
  const std::lock_guard lock(mutex_);
  ++moment_;
  for (const auto& step : batch.steps) jobs_.erase(step.job.spec->name);
  for (const auto& amendment : batch.amendments) jobs_.erase(amendment.job);
  for (const auto& name : batch.removed) jobs_.erase(name);
}

void RecentJobs::commit_ended() {
  const std::lock_guard lock(mutex_);
  ++moment_;
}

}  // namespace holdfast::store
