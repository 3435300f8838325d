#include "sim/scheduler.hpp"

#include <algorithm>

namespace holdfast::sim {

void Scheduler::at(Instant when, Action action) {
  if (free_.empty()) {
    free_.push_back(actions_.size());
    actions_.emplace_back();
  }
  const auto place = free_.back();
  free_.pop_back();
  actions_[place] = std::move(action);
  heap_.push_back({std::max(when, now_), asked_++, place});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool Scheduler::step(Instant until) {
  if (heap_.empty() || heap_.front().when > until) return false;
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Entry next = heap_.back();
  heap_.pop_back();
  now_ = next.when;
  ++run_;
  const Action action = std::move(actions_[next.place]);
  actions_[next.place] = nullptr;
  free_.push_back(next.place);
  action();
  return true;
}

}  // namespace holdfast::sim
