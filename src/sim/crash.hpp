// Where the service may die: between any two things that leave a trace outside its memory.
#pragma once

#include <string>

#include "sim/dice.hpp"

namespace holdfast::sim {

// Thrown through the service's own code, up to whoever called it in.
struct ServiceDied {
  std::string where;
};

class Boundaries {
 public:
  Boundaries(Dice& dice, const double& probability) : dice_(dice), probability_(probability) {}
  // Only while the service itself runs.
  void enter() { ++inside_; }
  void leave() { --inside_; }
  void pass(const char* where) {
    ++passed_;
    if (inside_ > 0 && (die_at_ == passed_ || dice_.chance(probability_))) throw ServiceDied{where};
  }
  // Dies at that boundary, counted from 1 over the whole run: how all of them are enumerated.
  void die_at(std::uint64_t boundary) { die_at_ = boundary; }
  std::uint64_t passed() const { return passed_; }

 private:
  Dice& dice_;
  const double& probability_;
  int inside_ = 0;
  std::uint64_t passed_ = 0;
  std::uint64_t die_at_ = 0;
};

}  // namespace holdfast::sim
