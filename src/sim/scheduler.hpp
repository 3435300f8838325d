// Virtual time: whatever happens in the simulation is an action at an instant, and they run one after the other. Equal
// instants run in the order in which they were asked for, so a run depends on its seed alone.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.hpp"

namespace holdfast::sim {

class Scheduler final : public Clock {
 public:
  using Action = std::function<void()>;

  explicit Scheduler(Instant begins) : now_(begins) {}
  // True time. The clocks of the service and of the instances may be off.
  Instant now() override { return now_; }
  // A time that has passed already: as soon as possible.
  void at(Instant when, Action action);
  void after(Duration wait, Action action) { at(now_ + wait, std::move(action)); }
  // Moves time on to the next action and runs it. False: nothing is to be done up to `until`. Ends the program when
  // time does not go on any more: somebody who should wait asks again and again.
  bool step(Instant until);
  std::uint64_t actions() const { return run_; }

 private:
  // The heap moves these about; the actions stay where they are.
  struct Entry {
    Instant when;
    std::uint64_t order;
    std::size_t place;  // in actions_
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.when > b.when || (a.when == b.when && a.order > b.order);
  }

  Instant now_;
  std::uint64_t asked_ = 0, run_ = 0;
  std::uint64_t run_before_now_ = 0;  // actions of earlier instants
  std::vector<Entry> heap_;
  std::vector<Action> actions_;
  std::vector<std::size_t> free_;  // places in actions_
};

// A clock that is wrong by as much as a fault has set it.
class SkewedClock final : public Clock {
 public:
  explicit SkewedClock(Scheduler& scheduler) : scheduler_(scheduler) {}
  Instant now() override { return scheduler_.now() + offset_; }
  Instant ticks() override { return scheduler_.now(); }
  Duration offset() const { return offset_; }
  void jump(Duration by) { offset_ += by; }

 private:
  Scheduler& scheduler_;
  Duration offset_{0};
};

}  // namespace holdfast::sim
