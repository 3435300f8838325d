#include "sim/scheduler.hpp"

#include <algorithm>
#include <tuple>

namespace holdfast::sim {

bool Scheduler::later(const Entry& a, const Entry& b) { return std::tie(a.when, a.order) > std::tie(b.when, b.order); }

void Scheduler::at(Instant when, Action action) {
  heap_.push_back({std::max(when, now_), asked_++, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool Scheduler::step(Instant until) {
  if (heap_.empty() || heap_.front().when > until) return false;
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Entry next = std::move(heap_.back());
  heap_.pop_back();
  now_ = next.when;
  ++run_;
  next.action();
  return true;
}

}  // namespace holdfast::sim
