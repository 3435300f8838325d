// Once a minute, how much of the instance the program uses.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "agent/host.hpp"
#include "agent/tasks.hpp"
#include "ports/control_link.hpp"

namespace holdfast::agent {

constexpr Duration kSampleEvery = seconds{60};
// A short training shows something too.
constexpr Duration kFirstSampleAfter = seconds{5};

// SageMaker's instance metrics, in percent. `since`: how long before `now` the reading `before` was taken.
std::vector<std::pair<std::string, double>> utilization(const Readings& before, const Readings& now, Duration since);

// Reads on a task of its own until it is destroyed.
class Sampling {
 public:
  Sampling(Tasks& tasks, Clock& clock, std::unique_ptr<Meter> meter, std::function<void(ports::InstanceSample)> tell);
  ~Sampling() { stop(); }
  // Takes no further sample. Does not wait for the one under way, as the destructor does.
  void stop();

 private:
  void sample();

  Clock& clock_;
  std::unique_ptr<Meter> meter_;
  std::function<void(ports::InstanceSample)> tell_;
  std::atomic<bool> stopping_ = false;
  std::unique_ptr<Signal> stop_;
  std::unique_ptr<Task> task_;  // last: it uses all of the above
};

}  // namespace holdfast::agent
