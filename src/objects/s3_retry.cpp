#include "objects/s3_retry.hpp"

#include <algorithm>

namespace holdfast::objects {

Duration pause_before(int attempt, bool slower, std::uint64_t random) {
  const auto first = slower ? kFirstPauseWhenAskedForLess : kFirstPause;
  const auto most = std::min(kLongestPauseOfOurs, first * (std::int64_t{1} << std::min(attempt, 16)));
  return Duration{static_cast<std::int64_t>(random % static_cast<std::uint64_t>(most.count() + 1))};
}

bool RetryBudget::take() {
  const std::lock_guard lock(mutex_);
  if (tokens_ < kCostOfRetry) return false;
  tokens_ -= kCostOfRetry;
  return true;
}

void RetryBudget::succeeded(bool after_retry) {
  const std::lock_guard lock(mutex_);
  tokens_ = std::min(kCapacity, tokens_ + (after_retry ? kCostOfRetry : kGainOfSuccess));
}

int RetryBudget::left() const {
  const std::lock_guard lock(mutex_);
  return tokens_;
}

bool Pauses::wait(Duration duration) {
  std::unique_lock lock(mutex_);
  return !ended_now_.wait_for(lock, duration, [&] { return ended_; });
}

void Pauses::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  ended_now_.notify_all();
}

}  // namespace holdfast::objects
