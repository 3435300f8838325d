// The service dies before and after every commit, every call of the provider, every event of the provider and every
// answer to a user or an agent. The machine stays up: what was written is there, what was in memory is not.
#include <doctest/doctest.h>

#include <map>

#include "crash/service.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Died {};

// What the dead service left.
struct Left {
  DiskImage image;
  Outside outside;
  std::string where;
};

// Counts the places where it may die, and dies at one of them.
class Fate {
 public:
  Fate(std::size_t at, CrashDisk& disk, Outside& outside) : at_(at), disk_(disk), outside_(outside) {}
  CrashPoint crash_point() {
    return [this](const char* where) {
      ++visited[where];
      if (++count != at_) return;
      // At once: on its way out the service closes its database, which a dead one does not.
      left = Left{disk_.image(), outside_, where};
      throw Died{};
    };
  }
  std::size_t count = 0;
  std::map<std::string, std::size_t> visited;
  std::optional<Left> left;

 private:
  std::size_t at_;
  CrashDisk& disk_;
  Outside& outside_;
};

Fate live_through_the_day(std::size_t die_at) {
  Outside outside;
  CrashDisk disk("hf-day", {});
  Fate fate(die_at, disk, outside);
  try {
    for (int part = 0; part < kParts; ++part) {
      Service service(disk.uri(), outside, fate.crash_point());
      play(service, outside, part);
      if (part + 1 == kParts) service.run_to_the_end();
    }
  } catch (const Died&) {
  }
  return fate;
}

// With another death on the way, if `die_at` is not 0 and comes before the end.
Fate recover(const Left& left, std::size_t die_at) {
  Outside outside = left.outside;
  CrashDisk disk("hf-next", left.image);
  Fate fate(die_at, disk, outside);
  try {
    Service service(disk.uri(), outside, fate.crash_point());
    service.check_what_is_stored();
    service.run_to_the_end();
  } catch (const Died&) {
  }
  return fate;
}

}  // namespace

TEST_CASE("wherever the service dies between decision and effect, nothing is lost, launched twice or left running") {
  const auto whole = live_through_the_day(0);
  std::size_t second_deaths = 0;
  for (std::size_t k = 1; k <= whole.count; ++k) {
    const auto first = live_through_the_day(k);
    REQUIRE(first.left);
    CAPTURE(k);
    CAPTURE(first.left->where);
    recover(*first.left, 0);
    // Any place of the recovery comes in turn.
    const auto second = recover(*first.left, 1 + k % 37);
    if (!second.left) continue;
    ++second_deaths;
    recover(*second.left, 0);
  }
  std::string places;
  for (const auto& [where, times] : whole.visited) places += fmt::format(", {} {}", times, where);
  MESSAGE("outbox: " << whole.count << " places to die at, and " << second_deaths << " second deaths" << places);
}
