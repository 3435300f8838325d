#include "api/live_checkpoints.hpp"

#include <algorithm>

namespace holdfast::api {

// A clock that was set back makes nothing older than it is.
bool LiveCheckpoints::fresh(const Heard& heard, Instant now) {
  return now < heard.at + kFreshFor && now > heard.at - kFreshFor;
}

void LiveCheckpoints::heard(const JobName& job, Fence fence, const CheckpointSafety& safety, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto known = jobs_.find(job);
  if (known != jobs_.end() && fence < known->second.fence && fresh(known->second, now)) return;
  if (known == jobs_.end() && jobs_.size() >= kMost) {
    std::erase_if(jobs_, [&](const auto& entry) { return !fresh(entry.second, now); });
    if (jobs_.size() >= kMost) return;
  }
  jobs_[job] = {fence, safety, now};
}

std::optional<CheckpointSafety> LiveCheckpoints::of(const JobName& job, Fence fence, Instant now) const {
  const std::lock_guard lock(mutex_);
  const auto known = jobs_.find(job);
  if (known == jobs_.end() || known->second.fence != fence || !fresh(known->second, now)) return std::nullopt;
  return known->second.safety;
}

LiveCheckpoints::Totals LiveCheckpoints::totals(Instant now) const {
  const std::lock_guard lock(mutex_);
  Totals totals;
  for (const auto& [job, heard] : jobs_) {
    if (!fresh(heard, now)) continue;
    totals.jobs += 1;
    totals.bytes_at_risk += heard.safety.bytes_at_risk;
    totals.upload_bytes_per_second += heard.safety.upload_bytes_per_second.value_or(0);
    totals.seconds_to_safe_most = std::max(totals.seconds_to_safe_most, heard.safety.seconds_to_safe.value_or(0));
  }
  return totals;
}

}  // namespace holdfast::api
