// A few threads for what may block, so that the server's own threads never do.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace holdfast::api {

class Workers {
 public:
  Workers(std::size_t threads, std::size_t max_waiting);
  // Finishes what is running; what is still waiting is dropped.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False: too many are waiting, and `work` was not taken.
  [[nodiscard]] bool run(std::function<void()> work);
  std::size_t waiting();

 private:
  void serve();

  const std::size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> waiting_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::api
