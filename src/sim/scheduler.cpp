#include "sim/scheduler.hpp"

#include <algorithm>

#include "base/ensure.hpp"

namespace holdfast::sim {
namespace {

constexpr std::uint64_t kMostAtOneInstant = 1'000'000;  // a thousand jobs at once come to some ten thousand

}  // namespace

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
  if (next.when > now_) run_before_now_ = run_;
  now_ = next.when;
  ++run_;
  ENSURE(run_ - run_before_now_ < kMostAtOneInstant, "time stands still: somebody does not wait for anything");
  const Action action = std::move(actions_[next.place]);
  actions_[next.place] = nullptr;
  free_.push_back(next.place);
  action();
  return true;
}

}  // namespace holdfast::sim
