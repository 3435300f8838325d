// The only door between threads: whoever has something for the engine puts it here, and the engine's thread takes it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

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
  bool empty() const {
    const std::lock_guard lock(mutex_);
    return items_.empty();
  }
  std::vector<Item> take(std::size_t most) {
    const std::lock_guard lock(mutex_);
    if (items_.size() <= most) return std::exchange(items_, {});
    const auto end = items_.begin() + static_cast<std::ptrdiff_t>(most);
    std::vector<Item> taken(std::make_move_iterator(items_.begin()), std::make_move_iterator(end));
    items_.erase(items_.begin(), end);
    return taken;
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
  std::vector<Item> items_;
  bool woken_ = false;
};

}  // namespace holdfast::engine
