// The lines of a log's file, and the ends of its batches:
//
//   E <timestamp ms> <ingestion ms> <message>     backslash and line feed escaped
//   B <fence> <sequence>                          ends the batch of the E lines above it
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "ports/telemetry.hpp"

namespace holdfast::telemetry {

constexpr std::size_t kMaxLineBytes = 256 * 1024;  // a longer message is cut there
// Escaping at most doubles a message, and two numbers of 20 digits stand before it.
constexpr std::size_t kMaxWrittenLine = 2 * kMaxLineBytes + 64;

// Which batch of which attempt; ordered. Users' batches have fence 0.
struct BatchId {
  Fence fence;
  std::uint64_t sequence = 0;
  auto operator<=>(const BatchId&) const = default;
};

// An event as it stands in the file: looked at without a copy.
struct RawEvent {
  std::int64_t timestamp_ms = 0;
  std::int64_t ingestion_ms = 0;
  std::string_view escaped;
};

void append_event_line(std::string& text, const ports::LogEvent& event);
void append_batch_line(std::string& text, const BatchId& batch);

// Of a line without its line feed.
std::optional<BatchId> parse_batch(std::string_view line);
std::optional<RawEvent> parse_event(std::string_view line);
std::string unescaped(std::string_view text);
// The same, written over what it was; what is left of that behind it is of no use.
std::string_view unescape_in_place(char* text, std::size_t size);

// The last B line of `text` that ends in a line feed: its id, and where the text behind it begins.
struct LastBatch {
  BatchId id;
  std::size_t end = 0;
};
std::optional<LastBatch> last_batch_in(std::string_view text);

}  // namespace holdfast::telemetry
