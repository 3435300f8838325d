// A log as a row of blocks, each with its times: those of the index, and behind them the tail that it does not know
// yet.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "telemetry/log_index.hpp"

namespace holdfast::telemetry {

struct LogBlock {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  TimeSpan span;
  std::int64_t before_ms = kNever;   // the greatest time of all events before it
  std::int64_t running_ms = kNever;  // and up to its end
};

// How far a log had come at one moment. What it says stays true while the log grows.
struct Extent {
  std::uint64_t size = 0;
  std::size_t records = 0;  // of the index
  LogBlock tail;            // what lies behind them; may be empty
};

// Reads records as they are needed, some hundred at a time. For one thread.
class LogBlocks {
 public:
  // `index` may be null: then all of the log is its tail.
  LogBlocks(const LogIndex* index, const Extent& extent) : index_(index), extent_(extent) {}

  std::size_t size() const { return extent_.records + 1; }  // the tail is the last one
  Result<LogBlock> at(std::size_t block);
  // The one that holds the byte; the tail for one at or behind the end.
  Result<std::size_t> containing(std::uint64_t position);
  // The first one at whose end an event of `ms` or later has come; the tail where none has.
  Result<std::size_t> reaching(std::int64_t ms);

 private:
  template <class Predicate>
  Result<std::size_t> first_where(Predicate reached);

  const LogIndex* index_;
  const Extent& extent_;
  std::size_t loaded_from_ = 0;
  std::vector<IndexRecord> loaded_;
};

}  // namespace holdfast::telemetry
