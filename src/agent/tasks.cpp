#include "agent/tasks.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

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

Result<void> for_each(Tasks& tasks, std::size_t at_once, std::size_t count,
                      const std::function<Result<void>(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::vector<Result<void>> results(std::min(at_once, count));
  {
    const auto take_part = [&](std::size_t i) {
      for (auto n = next++; n < count && !failed; n = next++) {
        if (results[i] = work(n); !results[i]) failed = true;
      }
    };
    std::vector<std::unique_ptr<Task>> others;
    for (std::size_t i = 1; i < results.size(); ++i) others.push_back(tasks.start([&, i] { take_part(i); }));
    if (!results.empty()) take_part(0);
  }
  for (auto& result : results) {
    if (!result) return std::move(result);
  }
  return {};
}

std::unique_ptr<Task> ThreadTasks::start(std::function<void()> work) {
  return std::make_unique<ThreadTask>(std::move(work));
}
std::size_t ThreadTasks::width() const {
  return std::clamp<std::size_t>(2 * std::size_t{std::thread::hardware_concurrency()}, 4, 32);
}
std::unique_ptr<Signal> ThreadTasks::signal() { return std::make_unique<ThreadSignal>(); }

}  // namespace holdfast::agent
