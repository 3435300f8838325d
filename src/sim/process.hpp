// A process of the simulated world: fibers on the one thread there is, each with a stack of its own, so that code which
// blocks (the real agent) runs unchanged. It can be killed between any two of its steps, and stopped and continued.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/tasks.hpp"
#include "sim/scheduler.hpp"

namespace holdfast::sim {

class Fiber;
using FiberRef = std::shared_ptr<Fiber>;

class Process final : public agent::Tasks {
 public:
  explicit Process(Scheduler& scheduler) : scheduler_(scheduler) {}
  ~Process() override { kill(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // ---- from outside: on no fiber of this process
  // SIGKILL: nothing of it runs any more when this returns, but for destructors.
  void kill();
  // SIGSTOP and SIGCONT: what is due meanwhile happens at once afterwards.
  void freeze() { frozen_ = true; }
  void thaw();
  bool dead() const { return dying_; }

  // ---- from inside
  FiberRef spawn(std::function<void()> work);
  // Time goes by for the calling fiber.
  void pass(Duration duration);
  // Throws, and so ends the fiber, when the process was killed while code that must not throw was running.
  void check() const;
  // Blocks the calling fiber until wake(), or for `most`.
  void park(std::optional<Duration> most);
  // The same for destructors. False: the process is being killed.
  [[nodiscard]] bool park_quietly(std::optional<Duration> most);
  void wake(const FiberRef& fiber);
  // The fiber that is running now; null: none, the scheduler's own stack.
  static FiberRef current();

  std::unique_ptr<agent::Task> start(std::function<void()> work) override;
  std::unique_ptr<agent::Signal> signal() override;

 private:
  friend class Fiber;
  void resume(const FiberRef& fiber);
  void resume_soon(const FiberRef& fiber);

  Scheduler& scheduler_;
  std::vector<FiberRef> fibers_;
  std::vector<FiberRef> due_;  // while frozen
  bool frozen_ = false;
  bool dying_ = false;
};

}  // namespace holdfast::sim
