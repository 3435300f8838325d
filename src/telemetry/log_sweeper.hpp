// Takes back the space of expired logs every so often, on a thread of its own: there may be very many of them.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/time.hpp"
#include "telemetry/file_logs.hpp"

namespace holdfast::telemetry {

constexpr Duration kSweepEvery = hours{1};

class LogSweeper {
 public:
  // Begins with a sweep. `logs` must outlive it.
  explicit LogSweeper(FileLogs& logs, Duration every = kSweepEvery);
  // Waits for the sweep in hand.
  ~LogSweeper();
  LogSweeper(const LogSweeper&) = delete;
  LogSweeper& operator=(const LogSweeper&) = delete;

 private:
  void work(FileLogs& logs, Duration every);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace holdfast::telemetry
