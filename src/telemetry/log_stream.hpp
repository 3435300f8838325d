// One log stream as one append-only file of lines:
//
//   E <timestamp ms> <ingestion ms> <message>     backslash and line feed escaped
//   B <fence> <sequence>                          ends the batch of the E lines above it
//
// A batch counts once its B line is there. After a crash, whatever follows the last B line is cut off, and that line
// says which batch was the last. A byte position is the start of a line, so reading on needs no index.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "ports/telemetry.hpp"

namespace holdfast::telemetry {

constexpr std::size_t kMaxLineBytes = 256 * 1024;            // a longer message is cut there
constexpr std::size_t kMaxBatchBytes = 16 * 1024 * 1024;     // as written
constexpr std::size_t kMaxPageBytes = 1024 * 1024;           // of messages in one page
constexpr std::uint64_t kMaxScannedBytes = 8 * 1024 * 1024;  // looked at for one page, whatever the times asked for

// Which batch of which attempt; ordered.
struct BatchId {
  Fence fence;
  std::uint64_t sequence = 0;
  auto operator<=>(const BatchId&) const = default;
};

// Opening recovers; then one thread at a time may append, while any number read up to a size() seen before.
class LogStream {
 public:
  static Result<LogStream> open(const std::filesystem::path& path, bool create);

  std::uint64_t size() const { return size_; }
  const std::optional<BatchId>& last_batch() const { return last_batch_; }

  // All of it or nothing. Kind::invalid: more than kMaxLineBytes or kMaxBatchBytes.
  Result<void> append(const BatchId& batch, const std::vector<ports::LogEvent>& lines);
  // As ports::Telemetry::read, looking no further than `size`. Kind::invalid: `from` is no position of this stream.
  Result<ports::LogPage> read(std::uint64_t size, std::uint64_t from, std::size_t limit, std::int64_t start_ms,
                              std::int64_t end_ms) const;

 private:
  LogStream(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}
  Result<void> recover();
  Result<void> write_at_end(std::string_view bytes);
  Result<std::string> read_range(std::uint64_t from, std::uint64_t to) const;

  Fd fd_;
  std::string name_;
  std::uint64_t size_ = 0;
  std::optional<BatchId> last_batch_;
};

}  // namespace holdfast::telemetry
