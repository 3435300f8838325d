// Reads a job's log on, from where it stopped the last time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "cli/client.hpp"

namespace holdfast::cli {

constexpr int kMaxLogPagesPerRead = 20;

struct LogLine {
  Instant at;
  std::string text;
};

class LogReader {
 public:
  LogReader(Service& service, std::string job) : service_(service), job_(std::move(job)) {}

  // What is new, stream by stream, each in order; empty as long as the program has not printed anything.
  Result<std::vector<LogLine>> read();
  // The last read stopped at kMaxLogPagesPerRead: read again at once.
  bool has_more() const { return has_more_; }

 private:
  Result<std::vector<std::string>> streams();

  Service& service_;
  std::string job_;
  std::map<std::string, std::string> tokens_;  // stream name -> where to go on
  bool has_more_ = false;
};

}  // namespace holdfast::cli
