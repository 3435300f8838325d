#include "telemetry/log_sweeper.hpp"

namespace holdfast::telemetry {

LogSweeper::LogSweeper(FileLogs& logs, Duration every) : thread_([this, &logs, every] { work(logs, every); }) {}

LogSweeper::~LogSweeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LogSweeper::work(FileLogs& logs, Duration every) {
  for (;;) {
    logs.drop_expired();
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, every, [this] { return stopping_; })) return;
  }
}

}  // namespace holdfast::telemetry
