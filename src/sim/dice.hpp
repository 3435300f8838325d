// Draws from the seed. Each part of the world throws dice of its own, so that a change in one part leaves the draws of
// the others as they were.
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/random.hpp"
#include "base/time.hpp"

namespace holdfast::sim {

class Dice {
 public:
  Dice(std::uint64_t seed, std::string_view part) : random_(mix_in(seed, part)) {}

  // 0 <= x < 1
  double unit() { return static_cast<double>(random_.next() >> 11) / 9007199254740992.0; }
  bool chance(double probability) { return probability > 0 && unit() < probability; }
  // 0 <= n < below
  std::uint64_t below(std::uint64_t below) { return below == 0 ? 0 : random_.next() % below; }
  int between(int least, int most) {
    return least + static_cast<int>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  Duration between(Duration least, Duration most) {
    return least + Duration{static_cast<std::int64_t>(below(static_cast<std::uint64_t>((most - least).count()) + 1))};
  }
  // As many small as large ones, in orders of magnitude.
  double log_between(double least, double most) { return least * std::pow(most / least, unit()); }
  Duration log_between(Duration least, Duration most) {
    return Duration{
        static_cast<std::int64_t>(log_between(static_cast<double>(least.count()), static_cast<double>(most.count())))};
  }
  // The time to the next of events that happen once in `mean`.
  Duration wait_for(Duration mean) {
    return Duration{static_cast<std::int64_t>(-std::log(1 - unit()) * static_cast<double>(mean.count()))};
  }

 private:
  static std::uint64_t mix_in(std::uint64_t seed, std::string_view part) {
    for (const char c : part) seed = mix(seed, static_cast<unsigned char>(c));
    return seed;
  }
  SeededRandom random_;
};

}  // namespace holdfast::sim
