// One log stream: an append-only file of batches of lines (log_lines.hpp) and an index of its times (log_index.hpp).
//
// A batch counts once its B line is there. After a crash, whatever follows the last B line is cut off, and that line
// says which batch was the last. A byte position is the start of a line, so reading on needs no index.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "ports/log_store.hpp"
#include "telemetry/log_blocks.hpp"
#include "telemetry/log_file.hpp"
#include "telemetry/log_index.hpp"

namespace holdfast::telemetry {

constexpr std::size_t kMaxBatchBytes = 16 * 1024 * 1024;  // as written
constexpr std::size_t kMaxPageBytes = 1024 * 1024;        // of messages in one page
// Looked at for one page, blocks passed over not counted. A page may keep as much in memory: all that its events lie
// in.
constexpr std::uint64_t kMaxScannedBytes = 8 * 1024 * 1024;

// Opening recovers; then one thread at a time may append, while any number read up to an extent() seen before.
class LogStream {
 public:
  // `now_ms` is when the stream was made, if this makes it. An index that cannot be used is done without.
  static Result<LogStream> open(const std::filesystem::path& path, const std::filesystem::path& index_path, bool create,
                                std::int64_t now_ms);

  std::uint64_t size() const { return size_; }
  Extent extent() const;
  const std::optional<BatchId>& last_batch() const { return last_batch_; }
  ports::LogStreamFacts facts() const;  // without the name

  // All of it or nothing. Kind::invalid: more than kMaxLineBytes or kMaxBatchBytes.
  Result<void> append(const BatchId& batch, const std::vector<ports::LogEvent>& lines);
  // As ports::LogStore::read, looking no further than `extent`.
  Result<ports::LogPage> read(const Extent& extent, const ports::LogQuery& query) const;

  LogBlocks blocks(const Extent& extent) const { return {index_ ? &*index_ : nullptr, extent}; }
  const LogFile& file() const { return file_; }

 private:
  // What the index does not know yet, as it grows.
  struct Tail {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    TimeSpan span;
    std::int64_t running_ms = kNever;
    std::int64_t ingestion_ms = kNever;

    void take(std::uint64_t line_end, std::int64_t timestamp_ms, std::int64_t ingestion);
    // Hands over what has become a whole block.
    void close_into(std::vector<IndexRecord>& records);
  };

  explicit LogStream(LogFile file) : file_(std::move(file)) {}
  Result<void> recover();
  Result<void> open_index(const std::filesystem::path& path, std::int64_t now_ms);
  Result<void> catch_up();
  void note(const std::vector<IndexRecord>& records, Tail tail);
  Result<void> check_position(std::uint64_t position) const;
  Result<ports::LogPage> read_forward(const Extent& extent, const ports::LogQuery& query) const;
  Result<ports::LogPage> read_backward(const Extent& extent, const ports::LogQuery& query) const;

  LogFile file_;
  std::optional<LogIndex> index_;
  std::int64_t created_ms_ = 0;
  std::uint64_t size_ = 0;
  Tail tail_;
  std::optional<BatchId> last_batch_;
};

}  // namespace holdfast::telemetry
