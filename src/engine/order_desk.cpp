#include "engine/order_desk.hpp"

#include "base/ensure.hpp"

namespace holdfast::engine {

void OrderDesk::add(Fence fence, WaitingAgent agent) {
  const auto [place, added] = agents_.insert({fence, std::move(agent)});
  ENSURE(added, "attempt {} waits twice", fence.value);
  by_time_.insert({place->second.until, fence});
  by_job_.insert({place->second.job.value, fence});
}

std::optional<WaitingAgent> OrderDesk::take(Fence fence) {
  const auto found = agents_.find(fence);
  if (found == agents_.end()) return std::nullopt;
  by_time_.erase({found->second.until, fence});
  by_job_.erase({found->second.job.value, fence});
  std::optional<WaitingAgent> taken(std::move(found->second));
  agents_.erase(found);
  return taken;
}

const WaitingAgent* OrderDesk::find(Fence fence) const {
  const auto found = agents_.find(fence);
  return found == agents_.end() ? nullptr : &found->second;
}

std::vector<Fence> OrderDesk::of(const JobName& job) const {
  std::vector<Fence> found;
  for (auto next = by_job_.lower_bound({job.value, Fence{}}); next != by_job_.end() && next->first == job.value;
       ++next) {
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
