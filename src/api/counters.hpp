// What happened since the service started, for GET /metrics. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "api/live_checkpoints.hpp"

namespace holdfast::api {

class Counters {
 public:
  enum class Outcome { success, refused, failed };  // HTTP below 400, below 500, above
  using Requests = std::map<std::string_view, std::array<std::uint64_t, 3>>;

  // `operation`: of a fixed table, so that nobody can invent new ones.
  void request(std::string_view operation, int status) {
    const auto outcome = status < 400 ? Outcome::success : status < 500 ? Outcome::refused : Outcome::failed;
    const std::lock_guard lock(mutex_);
    ++requests_[operation][static_cast<std::size_t>(outcome)];
  }
  void log(std::uint64_t lines, std::uint64_t bytes) {
    log_lines_ += lines;
    log_bytes_ += bytes;
  }

  Requests requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::uint64_t log_lines() const { return log_lines_; }
  std::uint64_t log_bytes() const { return log_bytes_; }
  LiveCheckpoints& checkpoints() { return checkpoints_; }
  const LiveCheckpoints& checkpoints() const { return checkpoints_; }

 private:
  mutable std::mutex mutex_;
  Requests requests_;
  LiveCheckpoints checkpoints_;
  std::atomic<std::uint64_t> log_lines_ = 0, log_bytes_ = 0;
};

}  // namespace holdfast::api
