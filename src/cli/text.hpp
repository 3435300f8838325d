// Durations, times and tables, as people write and read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace holdfast::cli {

// "90s", "15m", "2h", "1h30m", "1d", or a bare number of seconds; whole seconds from 1 to kMaxDuration.
constexpr seconds kMaxDuration{28 * 24 * 3600};
Result<Duration> parse_duration(std::string_view text);

// The two largest units: "1h 05m", "2m 03s", "12s", "340ms".
std::string readable(Duration duration);
// "2026-11-23 09:35:06", UTC, as the SageMaker SDK prints it.
std::string readable(Instant at);

// Columns as wide as their widest cell, two blanks between them; no blanks at the end of a line.
std::string render_table(const std::vector<std::vector<std::string>>& rows);

struct S3Place {
  std::string bucket;
  std::string key;  // may be empty
};
Result<S3Place> parse_s3_place(std::string_view uri);

}  // namespace holdfast::cli
