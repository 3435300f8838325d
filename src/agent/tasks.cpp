#include "agent/tasks.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace holdfast::agent {
namespace {

class ThreadSignal final : public Signal {
 public:
  void ring() override {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    changed_.notify_all();
  }
  void wait(std::optional<Duration> most) override {
    std::unique_lock lock(mutex_);
    if (most) {
      changed_.wait_for(lock, *most, [&] { return rung_; });
    } else {
      changed_.wait(lock, [&] { return rung_; });
    }
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
};

class ThreadTask final : public Task {
 public:
  explicit ThreadTask(std::function<void()> work) : thread_(std::move(work)) {}

 private:
  std::jthread thread_;
};

}  // namespace

std::unique_ptr<Task> ThreadTasks::start(std::function<void()> work) {
  return std::make_unique<ThreadTask>(std::move(work));
}
std::unique_ptr<Signal> ThreadTasks::signal() { return std::make_unique<ThreadSignal>(); }

}  // namespace holdfast::agent
