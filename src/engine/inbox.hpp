// The only door between threads: whoever has something for the engine puts it here, and the engine's thread takes it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/time.hpp"

namespace holdfast::engine {

// Commands beyond this are refused with try_again; what agents and providers say is always taken, since it is bounded
// by the number of attempts.
constexpr std::size_t kMaxInbox = 20'000;

template <class Item>
class Inbox {
 public:
  void put(Item item) {
    {
      const std::lock_guard lock(mutex_);
      items_.push_back(std::move(item));
    }
    arrived_.notify_one();
  }
  bool full() const {
    const std::lock_guard lock(mutex_);
    return items_.size() >= kMaxInbox;
  }
  std::deque<Item> take(std::size_t most) {
    const std::lock_guard lock(mutex_);
    if (items_.size() <= most) return std::exchange(items_, {});
    std::deque<Item> taken;
    while (taken.size() < most) {
      taken.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    return taken;
  }
  // What could not be done now goes back to the front, in its order.
  void put_back(std::deque<Item> items) {
    const std::lock_guard lock(mutex_);
    while (!items.empty()) {
      items_.push_front(std::move(items.back()));
      items.pop_back();
    }
  }
  // Blocks until something is there, or for `most`, or until wake().
  void wait(Duration most) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, most, [&] { return !items_.empty() || woken_; });
    woken_ = false;
  }
  void wake() {
    {
      const std::lock_guard lock(mutex_);
      woken_ = true;
    }
    arrived_.notify_one();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Item> items_;
  bool woken_ = false;
};

}  // namespace holdfast::engine
