// A log's file as a crash may have left it; and the same bytes as lines of a program, a NUL between them.
#include "fuzz/input.hpp"
#include "fuzz/memory_file.hpp"
#include "telemetry/log_store.hpp"

namespace holdfast::fuzz {
namespace {

using namespace telemetry;

constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMaxLines = 64;

std::vector<ports::LogEvent> read_all(const LogStream& stream, std::size_t limit) {
  std::vector<ports::LogEvent> events;
  for (std::uint64_t from = 0; from < stream.size();) {
    const auto page = stream.read(stream.size(), from, limit, std::numeric_limits<std::int64_t>::min(), kEver);
    ENSURE(page, "{}", page.error().message);
    ENSURE(page->next > from && page->next <= stream.size(), "from {} to {}", from, page->next);
    ENSURE(page->events.size() <= limit, "{} events", page->events.size());
    events.insert(events.end(), page->events.begin(), page->events.end());
    from = page->next;
  }
  return events;
}

std::vector<std::string> messages_of(const std::vector<ports::LogEvent>& events) {
  std::vector<std::string> messages;
  for (const auto& event : events) messages.push_back(event.message);
  return messages;
}

void check_recovery(std::string_view bytes) {
  const MemoryFile file(bytes);
  auto stream = LogStream::open(file.path(), false);
  ENSURE(stream, "{}", stream.error().message);
  ENSURE(stream->size() <= bytes.size(), "longer than the file");
  ENSURE(stream->last_batch().has_value() == (stream->size() > 0), "what has no batch must be empty");
  const auto before = messages_of(read_all(*stream, 3));
  ENSURE(before == messages_of(read_all(*stream, 1000)), "the size of the pages shows");
  // Whatever was there, the next batch is read back behind it.
  const BatchId next{Fence{7}, 1};
  const auto appended = stream->append(next, {{1, 2, "added"}});
  ENSURE(appended, "{}", appended.error().message);
  const auto again = LogStream::open(file.path(), false);
  ENSURE(again && again->size() == stream->size() && again->last_batch() == next, "opened again");
  auto expected = before;
  expected.emplace_back("added");
  ENSURE(messages_of(read_all(*again, 1000)) == expected, "other lines");
}

void check_lines(Input input) {
  std::vector<ports::LogEvent> lines;
  while (!input.empty() && lines.size() < kMaxLines)
    lines.push_back({static_cast<std::int64_t>(lines.size()), 0, std::string(input.until('\0'))});
  const MemoryFile file("");
  auto stream = LogStream::open(file.path(), false);
  const auto appended = stream->append({Fence{1}, 0}, lines);
  ENSURE(appended, "{}", appended.error().message);
  const auto again = LogStream::open(file.path(), false);
  ENSURE(again, "{}", again.error().message);
  ENSURE(messages_of(read_all(*again, 1000)) == messages_of(lines), "other lines");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  holdfast::fuzz::check_recovery(holdfast::fuzz::Input(bytes, size).rest());
  holdfast::fuzz::check_lines({bytes, size});
  return 0;
}
