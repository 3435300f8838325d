// The last value of each metric that a program has printed, so that a checkpoint can say how good it is.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ports/telemetry.hpp"

namespace holdfast::agent {

// The metrics in a line of a program's output.
using ScanLine = std::function<std::vector<ports::MetricValue>(std::string_view line)>;

// Thread-safe.
class LatestMetrics {
 public:
  void note(const std::vector<ports::MetricValue>& values) {
    const std::lock_guard lock(mutex_);
    for (const auto& value : values) values_[value.name] = value.value;
  }
  std::map<std::string, double> now() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, double> values_;
};

}  // namespace holdfast::agent
