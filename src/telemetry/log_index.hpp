// Where the times of a log are: a file of fixed records beside it, one for each 64 KiB or so of whole lines. It only
// saves reading: whatever of it is missing, damaged or says more than the log has is dropped, and made again from the
// log. Nothing of it stays in memory but its last record.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "telemetry/log_file.hpp"

namespace holdfast::telemetry {

constexpr std::uint64_t kBlockBytes = 64 * 1024;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

// Of the events in a part of a log. A part without events has max_ms < min_ms.
struct TimeSpan {
  std::int64_t min_ms = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_ms = kNever;

  void take(std::int64_t ms) { take({ms, ms}); }
  void take(const TimeSpan& other) {
    min_ms = std::min(min_ms, other.min_ms);
    max_ms = std::max(max_ms, other.max_ms);
  }
  bool meets(std::int64_t start_ms, std::int64_t end_ms) const { return max_ms >= start_ms && min_ms < end_ms; }
};

struct IndexRecord {
  std::uint64_t end = 0;  // of its block, which begins where the one before it ends
  TimeSpan span;
  std::int64_t running_ms = kNever;    // the greatest time of all events up to `end`
  std::int64_t ingestion_ms = kNever;  // likewise
};

class LogIndex {
 public:
  // Keeps the records that are sound and lie within the first `log_size` bytes of the log.
  static Result<LogIndex> open(const std::filesystem::path& path, const LogFile& log, std::uint64_t log_size);

  // Empty: the file is new or was damaged at its beginning; begin() makes it good.
  std::optional<std::int64_t> created_ms() const { return created_ms_; }
  Result<void> begin(std::int64_t created_ms);

  std::size_t size() const { return size_; }
  const IndexRecord& last() const { return last_; }  // of an empty index: the end at 0
  std::int64_t min_ms() const { return min_ms_; }    // over all records

  Result<void> append(const std::vector<IndexRecord>& records);
  // From any thread, for records that were there when it last asked.
  Result<std::vector<IndexRecord>> read(std::size_t first, std::size_t count) const;

 private:
  explicit LogIndex(LogFile file) : file_(std::move(file)) {}
  Result<void> load(const LogFile& log, std::uint64_t log_size);
  void take(const IndexRecord& record);

  LogFile file_;
  std::optional<std::int64_t> created_ms_;
  std::size_t size_ = 0;
  IndexRecord last_;
  std::int64_t min_ms_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace holdfast::telemetry
