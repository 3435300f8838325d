// How the agent does several things at once: threads on a machine, one after the other under a virtual clock in the
// simulator. Nothing here may be used while a lock is held.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/result.hpp"
#include "base/time.hpp"

namespace holdfast::agent {

// Remembers that it was rung until somebody has waited for it. One waiter at a time.
class Signal {
 public:
  virtual ~Signal() = default;
  virtual void ring() = 0;
  // Returns when it is rung, at once if it was since the last wait; at the latest after `most`.
  virtual void wait(std::optional<Duration> most) = 0;
};

// Work under way. Destroying it waits until the work has returned.
class Task {
 public:
  virtual ~Task() = default;
};

class Tasks {
 public:
  virtual ~Tasks() = default;
  virtual std::unique_ptr<Task> start(std::function<void()> work) = 0;
  virtual std::unique_ptr<Signal> signal() = 0;
  // How many tasks that move many bytes each are worth having at once: more only stand in each other's way.
  virtual std::size_t width() const { return 4; }
};

// `work` for each number below `count`, by at most `at_once` tasks, this one among them. After an error, which is
// returned, no other is begun.
Result<void> for_each(Tasks& tasks, std::size_t at_once, std::size_t count,
                      const std::function<Result<void>(std::size_t)>& work);

// The real ones.
class ThreadTasks final : public Tasks {
 public:
  std::unique_ptr<Task> start(std::function<void()> work) override;
  std::unique_ptr<Signal> signal() override;
  std::size_t width() const override;  // twice the processors, 4 to 32
};

}  // namespace holdfast::agent
