#pragma once

#include "base/time.hpp"

namespace holdfast::testing {

class ManualClock final : public Clock {
 public:
  Instant now() override { return now_; }
  void advance(Duration duration) { now_ += duration; }
  void set(Instant at) { now_ = at; }

 private:
  Instant now_ = from_ms(1'700'000'000'000);
};

}  // namespace holdfast::testing
