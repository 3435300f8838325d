#pragma once

#include <atomic>

#include "base/time.hpp"

namespace holdfast::testing {

// Threads of what is tested may look while the test sets it.
class ManualClock final : public Clock {
 public:
  Instant now() override { return now_.load(); }
  void advance(Duration duration) { now_ = now_.load() + duration; }  // by one thread at a time
  void set(Instant at) { now_ = at; }

 private:
  std::atomic<Instant> now_ = from_ms(1'700'000'000'000);
};

}  // namespace holdfast::testing
