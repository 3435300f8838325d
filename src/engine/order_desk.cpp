#include "engine/order_desk.hpp"

#include "base/ensure.hpp"

namespace holdfast::engine {

void OrderDesk::add(Fence fence, WaitingAgent agent) {
  by_time_.insert({agent.until, fence});
  by_job_.insert({agent.job, fence});
  const bool added = agents_.insert({fence, std::move(agent)}).second;
  ENSURE(added, "attempt {} waits twice", fence.value);
}

std::optional<WaitingAgent> OrderDesk::take(Fence fence) {
  auto found = agents_.extract(fence);
  if (found.empty()) return std::nullopt;
  by_time_.erase({found.mapped().until, fence});
  by_job_.erase({found.mapped().job, fence});
  return std::move(found.mapped());
}

const WaitingAgent* OrderDesk::find(Fence fence) const {
  const auto found = agents_.find(fence);
  return found == agents_.end() ? nullptr : &found->second;
}

std::vector<Fence> OrderDesk::of(const JobName& job) const {
  std::vector<Fence> found;
  for (auto next = by_job_.lower_bound({job, Fence{}}); next != by_job_.end() && next->first == job; ++next) {
    found.push_back(next->second);
  }
  return found;
}

std::vector<Fence> OrderDesk::due(Instant now) const {
  std::vector<Fence> found;
  for (auto next = by_time_.begin(); next != by_time_.end() && next->first <= now; ++next) {
    found.push_back(next->second);
  }
  return found;
}

std::optional<Instant> OrderDesk::next_due() const {
  if (by_time_.empty()) return std::nullopt;
  return by_time_.begin()->first;
}

}  // namespace holdfast::engine
