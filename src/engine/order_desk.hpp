// Agents that wait for an order, found by attempt, by job, and by the time until which they wait: a service with
// thousands of them looks only at those whose answer may have changed.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "engine/orders.hpp"

namespace holdfast::engine {

struct WaitingAgent {
  JobName job;
  bool was_live = false;  // the job, when the agent asked
  Order known = Order::go_on;
  Instant until;
  std::function<void(Order)> reply;
};

class OrderDesk {
 public:
  // The attempt must not wait already.
  void add(Fence fence, WaitingAgent agent);
  std::optional<WaitingAgent> take(Fence fence);
  const WaitingAgent* find(Fence fence) const;
  bool waits(Fence fence) const { return agents_.contains(fence); }
  std::vector<Fence> of(const JobName& job) const;
  std::vector<Fence> due(Instant now) const;
  std::optional<Instant> next_due() const;

 private:
  std::map<Fence, WaitingAgent> agents_;
  std::set<std::pair<Instant, Fence>> by_time_;
  std::set<std::pair<std::string_view, Fence>> by_job_;  // the names lie in agents_
};

}  // namespace holdfast::engine
