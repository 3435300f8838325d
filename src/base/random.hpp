// Randomness enters here, so that a run can be repeated from its seed.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast {

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;

 private:
  std::uint64_t state_;
};

// The kernel's generator: for keys, tokens and request ids.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

// One well-mixed number from two: a hash for jitter and for seeded markets, the same on every machine.
std::uint64_t mix(std::uint64_t a, std::uint64_t b);

std::string random_hex(Random& random, std::size_t digits);
std::string random_uuid(Random& random);

}  // namespace holdfast
