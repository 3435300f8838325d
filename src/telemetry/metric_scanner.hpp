// Finds a job's metrics in its log lines.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "job/spec.hpp"
#include "ports/telemetry.hpp"

namespace holdfast::telemetry {

constexpr std::int64_t kMaxRegexMemory = 4 * 1024 * 1024;  // of one compiled regex

class MetricScanner {
 public:
  // A regex that RE2 does not take, or without a group, finds nothing: the API refuses it long before.
  explicit MetricScanner(const std::vector<job::MetricDefinition>& definitions);
  ~MetricScanner();
  MetricScanner(MetricScanner&&) noexcept;
  MetricScanner& operator=(MetricScanner&&) noexcept;

  // For each definition that matches the line, its first group as a number; groups that are none (nan, inf, words) are
  // passed over. Any number of threads may scan.
  std::vector<ports::MetricValue> scan(std::string_view line, std::int64_t timestamp_ms) const;

 private:
  struct Compiled;
  std::vector<Compiled> compiled_;
};

}  // namespace holdfast::telemetry
