// The program's lines on their way to the control plane: kept in a file while nobody answers, so that neither a long
// outage nor a talkative program fills the agent's memory.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/time.hpp"
#include "ports/control_link.hpp"

namespace holdfast::agent {

constexpr std::size_t kMaxLine = 256 * 1024;  // CloudWatch's limit for one event; longer ones are cut into several
constexpr std::uint64_t kMaxSpool = 512ULL * 1024 * 1024;  // beyond it lines are dropped, and counted
constexpr std::size_t kMaxBatchBytes = 1024 * 1024;
constexpr std::size_t kMaxBatchLines = 5000;

// Cuts a stream of bytes into lines. One for each of stdout and stderr.
class LineSplitter {
 public:
  // Calls `line` for each line that is complete, or as long as a line may be.
  template <class F>
  void feed(std::string_view bytes, F line) {
    for (;;) {
      const auto end = bytes.find('\n');
      const auto room = kMaxLine - rest_.size();
      if (end != std::string_view::npos && end <= room) {
        rest_.append(bytes.substr(0, end));
        bytes.remove_prefix(end + 1);
        if (!rest_.empty() && rest_.back() == '\r') rest_.pop_back();
        line(rest_);
        rest_.clear();
      } else if (bytes.size() >= room) {
        rest_.append(bytes.substr(0, room));
        bytes.remove_prefix(room);
        line(rest_);
        rest_.clear();
      } else {
        rest_.append(bytes);
        return;
      }
    }
  }
  template <class F>
  void finish(F line) {
    if (!rest_.empty()) line(rest_);
    rest_.clear();
  }

 private:
  std::string rest_;
};

// Written by the agent's main thread, read by its reporter: safe between the two.
class LogSpool {
 public:
  // `fd`: an empty file.
  LogSpool(Fd fd, std::string stream) : fd_(std::move(fd)), stream_(std::move(stream)) {}

  void append(std::int64_t timestamp_ms, std::string_view line);
  // The oldest lines not yet acknowledged; the same again until acknowledged() is called. Nothing: all are delivered.
  std::optional<ports::LogBatch> next();
  void acknowledged();
  // There are lines behind the batch in flight.
  bool more_behind();
  bool empty();

 private:
  std::mutex mutex_;
  Fd fd_;
  std::string stream_;
  std::uint64_t read_ = 0;  // byte positions in the file
  std::uint64_t written_ = 0;
  std::uint64_t next_read_ = 0;  // where `read_` goes when the batch in flight is acknowledged
  std::uint64_t sequence_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace holdfast::agent
