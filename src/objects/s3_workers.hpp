// Threads that share the parts of large objects. The one who asks works along, so the work goes on even where all of
// them are busy with somebody else's.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace holdfast::objects {

class Workers {
 public:
  using Work = std::function<Result<void>(std::size_t index)>;

  // The threads start when they are first needed.
  explicit Workers(std::size_t threads) : most_(threads) {}
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Calls `work` with 0 to count - 1, at most `parallel` at once, and returns when none is running any more. After an
  // error no further one is begun, and the first one comes out.
  Result<void> each(std::size_t count, std::size_t parallel, const Work& work);

 private:
  struct Job;
  static void take_part(Job& job);
  void run();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<std::shared_ptr<Job>> jobs_;  // one entry for each helper that is asked for
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::objects
