// Work that gives way to the training program: at a low priority for processors and disks.
#pragma once

#include <atomic>

#include "agent/tasks.hpp"

namespace holdfast::agent {

// The calling thread, and the threads that it starts from now on: nice 10, and idle for disks. Best effort: what the
// kernel refuses stays as it is. There is no way back for a thread without privileges.
void give_way();

// Tasks of a thread that gives way. Once hurry() was called new ones do not: at a notice every second counts.
class BackgroundTasks final : public Tasks {
 public:
  // `give`: what a task does before its work; give_way() where threads are real.
  BackgroundTasks(Tasks& tasks, void (*give)()) : tasks_(tasks), give_(give) {}
  void hurry() { hurry_ = true; }

  std::unique_ptr<Task> start(std::function<void()> work) override {
    return tasks_.start([this, work = std::move(work)] {
      if (!hurry_ && give_ != nullptr) give_();
      work();
    });
  }
  std::unique_ptr<Signal> signal() override { return tasks_.signal(); }
  std::size_t width() const override { return tasks_.width(); }

 private:
  Tasks& tasks_;
  void (*give_)();
  std::atomic<bool> hurry_ = false;
};

}  // namespace holdfast::agent
