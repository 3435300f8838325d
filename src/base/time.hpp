// Time as data: instants are UTC milliseconds, and only a Clock knows what time it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace holdfast {

using Duration = std::chrono::milliseconds;
using Instant = std::chrono::sys_time<Duration>;

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant from_ms(std::int64_t ms) { return Instant{Duration{ms}}; }
constexpr std::int64_t to_ms(Instant at) { return at.time_since_epoch().count(); }

// Whole seconds since the epoch, rounded down, as SageMaker counts them.
constexpr std::int64_t to_epoch_seconds(Instant at) {
  return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

// "2026-11-23T09:35:06.123Z"
std::string to_iso8601(Instant at);

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() = 0;
  // Runs evenly, whoever sets the clock meanwhile. Only differences mean anything: for how long something has lasted.
  virtual Instant ticks() { return now(); }
};

// The machine's clock. Only mains and tests of real time construct one.
class SystemClock final : public Clock {
 public:
  Instant now() override;
  Instant ticks() override;
};

}  // namespace holdfast
