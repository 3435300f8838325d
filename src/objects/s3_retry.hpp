// How often and after what pauses S3 is asked again. Many threads share one budget: a server in trouble is not buried
// under everybody's retries.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/random.hpp"
#include "base/time.hpp"

namespace holdfast::objects {

constexpr Duration kFirstPause = milliseconds{100};
constexpr Duration kFirstPauseWhenAskedForLess = milliseconds{500};
constexpr Duration kLongestPauseOfOurs = seconds{20};

// Full jitter: anything from nothing to the pause that doubles with each attempt, so that callers who were refused
// together do not come back together. `attempt` counts from 0.
Duration pause_before(int attempt, bool slower, std::uint64_t random);

// A retry takes tokens, a success brings some back: without successes there are about a hundred retries, then only
// one for every few seconds of a caller's own patience.
class RetryBudget {
 public:
  static constexpr int kCapacity = 500;
  static constexpr int kCostOfRetry = 5;
  static constexpr int kGainOfSuccess = 1;

  // False: the budget is used up; the caller should wait as long as it is willing to.
  bool take();
  void succeeded(bool after_retry);
  int left() const;

 private:
  mutable std::mutex mutex_;
  int tokens_ = kCapacity;
};

// Waits that an owner who goes away can end.
class Pauses {
 public:
  // False: it was ended.
  bool wait(Duration duration);
  void end();

 private:
  std::mutex mutex_;
  std::condition_variable ended_now_;
  bool ended_ = false;
};

}  // namespace holdfast::objects
