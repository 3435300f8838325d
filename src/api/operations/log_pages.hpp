// Pages of a log in either direction, over a port that reads forward only.
#pragma once

#include <cstdint>
#include <string>

#include "ports/telemetry.hpp"

namespace holdfast::api::operations {

constexpr std::size_t kMaxPageBytes = 1024 * 1024;  // of messages; a single longer one is a page of its own

struct LogQuestion {
  std::string stream;
  std::size_t limit = 0;
  std::int64_t start_ms = 0;  // inclusive
  std::int64_t end_ms = 0;    // exclusive
};

Result<ports::LogPage> page_after(ports::Telemetry& telemetry, const LogQuestion& question, std::uint64_t position);
// The last events before `position`, or of the stream. Reads all of the stream before them.
Result<ports::LogPage> page_before(ports::Telemetry& telemetry, const LogQuestion& question, std::uint64_t position);

}  // namespace holdfast::api::operations
