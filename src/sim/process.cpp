#include "sim/process.hpp"

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <boost/context/preallocated.hpp>
#include <exception>
#include <utility>

#include "base/ensure.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace holdfast::sim {
namespace {

namespace context = boost::context;

constexpr std::size_t kStack = 256 * 1024;

// Thrown through a fiber whose process was killed; nobody catches it but the fiber's own first frame.
struct Killed {};

// Stacks are used again and again: an attempt has several fibers, and there are many attempts.
context::pooled_fixedsize_stack& stacks() {
  thread_local context::pooled_fixedsize_stack pool(kStack);
  return pool;
}

thread_local FiberRef running;  // each thread simulates a world of its own

}  // namespace

class Fiber {
 public:
  Fiber(Process& process, std::function<void()> work) : process_(process), work_(std::move(work)) {}

  Process& process_;
  std::function<void()> work_;
  context::fiber self_, outside_;
  bool started_ = false;
  bool done_ = false;
  bool parked_ = false;
  std::uint64_t parks_ = 0;  // tells a timer whether it still belongs to the present park
  FiberRef joiner_;
#if defined(__SANITIZE_ADDRESS__)
  void* fake_stack_ = nullptr;
  const void* outside_bottom_ = nullptr;
  std::size_t outside_size_ = 0;
  const void* bottom_ = nullptr;
#endif

  void enter() {
    if (!std::exchange(started_, true)) {
      const auto stack = stacks().allocate();
      const context::preallocated room(stack.sp, stack.size, stack);
#if defined(__SANITIZE_ADDRESS__)
      bottom_ = static_cast<const char*>(stack.sp) - stack.size;
#endif
      self_ = context::fiber(std::allocator_arg, room, stacks(), [this](context::fiber&& outside) {
        outside_ = std::move(outside);
        arrived(nullptr);
        try {
          work_();
        } catch (const Killed&) {
        }
        done_ = true;
        work_ = nullptr;
        leaving(nullptr, outside_bottom_, outside_size_);
        return std::move(outside_);
      });
    }
#if defined(__SANITIZE_ADDRESS__)
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, bottom_, kStack);
#endif
    self_ = std::move(self_).resume();
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  }
  void leave() {
#if defined(__SANITIZE_ADDRESS__)
    leaving(&fake_stack_, outside_bottom_, outside_size_);
    outside_ = std::move(outside_).resume();
    arrived(fake_stack_);
#else
    outside_ = std::move(outside_).resume();
#endif
  }

 private:
#if defined(__SANITIZE_ADDRESS__)
  void arrived(void* fake) { __sanitizer_finish_switch_fiber(fake, &outside_bottom_, &outside_size_); }
  static void leaving(void** fake, const void* bottom, std::size_t size) {
    __sanitizer_start_switch_fiber(fake, bottom, size);
  }
#else
  static void arrived(void*) {}
  static void leaving(void**, const void*, std::size_t) {}
  static constexpr const void* outside_bottom_ = nullptr;
  static constexpr std::size_t outside_size_ = 0;
#endif
};

namespace {

class FiberSignal final : public agent::Signal {
 public:
  explicit FiberSignal(Process& process) : process_(process) {}
  void ring() override {
    rung_ = true;
    if (waiter_) process_.wake(waiter_);
  }
  void wait(std::optional<Duration> most) override {
    process_.check();
    if (!rung_) {
      waiter_ = Process::current();
      process_.park(most);
      waiter_ = nullptr;
    }
    rung_ = false;
  }

 private:
  Process& process_;
  FiberRef waiter_;
  bool rung_ = false;
};

class FiberTask final : public agent::Task {
 public:
  FiberTask(Process& process, FiberRef fiber) : process_(process), fiber_(std::move(fiber)) {}
  ~FiberTask() override {
    fiber_->joiner_ = Process::current();
    while (!fiber_->done_ && process_.park_quietly(std::nullopt)) {
    }
    fiber_->joiner_ = nullptr;
  }

 private:
  Process& process_;
  FiberRef fiber_;
};

}  // namespace

FiberRef Process::current() { return running; }

FiberRef Process::spawn(std::function<void()> work) {
  ENSURE(!dying_, "a dead process starts nothing");
  std::erase_if(fibers_, [](const FiberRef& fiber) { return fiber->done_; });
  fibers_.push_back(std::make_shared<Fiber>(*this, std::move(work)));
  fibers_.back()->parked_ = true;
  resume_soon(fibers_.back());
  return fibers_.back();
}

void Process::resume_soon(const FiberRef& fiber) {
  scheduler_.at(scheduler_.now(), [weak = std::weak_ptr(fiber), park = fiber->parks_] {
    const auto still = weak.lock();
    if (!still || still->done_ || !still->parked_ || still->parks_ != park || still->process_.dying_) return;
    still->process_.resume(still);
  });
}

void Process::resume(const FiberRef& fiber) {
  if (frozen_) {
    if (std::find(due_.begin(), due_.end(), fiber) == due_.end()) due_.push_back(fiber);
    return;
  }
  fiber->parked_ = false;
  const auto before = std::exchange(running, fiber);
  fiber->enter();
  running = before;
  if (fiber->done_ && fiber->joiner_ && !dying_) wake(fiber->joiner_);
}

void Process::thaw() {
  frozen_ = false;
  for (const auto& fiber : std::exchange(due_, {})) resume_soon(fiber);
}

void Process::wake(const FiberRef& fiber) {
  if (fiber->parked_ && !dying_) resume_soon(fiber);
}

bool Process::park_quietly(std::optional<Duration> most) {
  if (dying_) return false;
  const FiberRef self = running;
  ENSURE(self && &self->process_ == this, "only a fiber of this process can wait in it");
  self->parked_ = true;
  const auto park = ++self->parks_;
  if (most) {
    scheduler_.after(std::max(*most, Duration{0}), [weak = std::weak_ptr(self), park] {
      const auto still = weak.lock();
      if (still && !still->done_ && still->parked_ && still->parks_ == park && !still->process_.dying_) {
        still->process_.resume(still);
      }
    });
  }
  self->leave();
  return !dying_;
}

void Process::park(std::optional<Duration> most) {
  const bool alive = park_quietly(most);
  if (!alive) check();
}

void Process::check() const {
  if (dying_ && std::uncaught_exceptions() == 0) throw Killed{};
}

void Process::pass(Duration duration) {
  check();
  const Instant until = scheduler_.now() + duration;
  while (scheduler_.now() < until) park(until - scheduler_.now());
}

void Process::kill() {
  if (dying_) return;
  ENSURE(!running || &running->process_ != this, "a process is killed from outside");
  dying_ = true;
  frozen_ = false;
  // The youngest first: who started it may wait for it.
  for (auto fiber = fibers_.rbegin(); fiber != fibers_.rend(); ++fiber) {
    if ((*fiber)->done_) continue;
    if ((*fiber)->started_) {
      const auto before = std::exchange(running, *fiber);
      (*fiber)->enter();
      running = before;
    }
    ENSURE((*fiber)->done_ || !(*fiber)->started_, "a killed fiber went on");
    (*fiber)->done_ = true;
    (*fiber)->work_ = nullptr;
  }
  fibers_.clear();
  due_.clear();
}

std::unique_ptr<agent::Task> Process::start(std::function<void()> work) {
  check();
  return std::make_unique<FiberTask>(*this, spawn(std::move(work)));
}
std::unique_ptr<agent::Signal> Process::signal() { return std::make_unique<FiberSignal>(*this); }

}  // namespace holdfast::sim
