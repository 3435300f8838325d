// A log's file as a crash may have left it, and behind a NUL its index; and the same bytes as lines of a program, a NUL
// between them. What is read, in either direction and whatever the index says, is what stands in the file.
#include "fuzz/input.hpp"
#include "fuzz/memory_file.hpp"
#include "telemetry/log_stream.hpp"

namespace holdfast::fuzz {
namespace {

using namespace telemetry;

constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
constexpr std::size_t kMaxLines = 64;

Result<LogStream> open(const MemoryFile& file, const MemoryFile& index) {
  return LogStream::open(file.path(), index.path(), false, 5);
}

using Messages = std::vector<std::string>;

Messages read_all(const LogStream& stream, std::size_t limit) {
  Messages messages;
  for (std::uint64_t from = 0;;) {
    const auto page = stream.read(stream.extent(), {"", "", from, false, limit, kNever, kEver});
    ENSURE(page, "{}", page.error().message);
    ENSURE(page->next >= from && page->next <= stream.size(), "from {} to {}", from, page->next);
    ENSURE(page->events.size() <= limit, "{} events", page->events.size());
    ENSURE(page->next > from || page->events.empty(), "{} again and again", from);
    if (page->next == from) return messages;
    for (const auto& event : page->events) messages.emplace_back(event.message);
    from = page->next;
  }
}

Messages read_all_back(const LogStream& stream, std::size_t limit) {
  Messages messages;
  for (std::uint64_t before = stream.size();;) {
    const auto page = stream.read(stream.extent(), {"", "", before, true, limit, kNever, kEver});
    ENSURE(page, "{}", page.error().message);
    ENSURE(page->first <= before, "before {} is {}", before, page->first);
    ENSURE(page->first < before || page->events.empty(), "{} again and again", before);
    if (page->first == before) return messages;
    Messages earlier;
    for (const auto& event : page->events) earlier.emplace_back(event.message);
    messages.insert(messages.begin(), earlier.begin(), earlier.end());
    before = page->first;
  }
}

void check_recovery(Input input) {
  const auto bytes = input.until('\0');
  const MemoryFile file(bytes);
  const MemoryFile index_file(input.rest());
  auto stream = open(file, index_file);
  ENSURE(stream, "{}", stream.error().message);
  ENSURE(stream->size() <= bytes.size(), "longer than the file");
  ENSURE(stream->last_batch().has_value() == (stream->size() > 0), "what has no batch must be empty");
  const auto before = read_all(*stream, 3);
  ENSURE(before == read_all(*stream, 1000), "the size of the pages shows");
  ENSURE(before == read_all_back(*stream, 3), "other lines backward");
  const MemoryFile no_index("");
  ENSURE(before == read_all(*open(file, no_index), 1000), "the index shows");
  // Whatever was there, the next batch is read back behind it.
  const BatchId next{Fence{7}, 1};
  const auto appended = stream->append(next, {{1, 2, "added"}});
  ENSURE(appended, "{}", appended.error().message);
  const auto again = open(file, index_file);
  ENSURE(again && again->size() == stream->size() && again->last_batch() == next, "opened again");
  auto expected = before;
  expected.emplace_back("added");
  ENSURE(read_all(*again, 1000) == expected, "other lines");
}

void check_lines(Input input) {
  std::vector<ports::LogEvent> lines;
  Messages messages;
  while (!input.empty() && lines.size() < kMaxLines) {
    messages.emplace_back(input.until('\0'));
    lines.push_back({static_cast<std::int64_t>(lines.size()), 0, messages.back()});
  }
  const MemoryFile file("");
  const MemoryFile index_file("");
  auto stream = open(file, index_file);
  const auto appended = stream->append({Fence{1}, 0}, lines);
  ENSURE(appended, "{}", appended.error().message);
  const auto again = open(file, index_file);
  ENSURE(again, "{}", again.error().message);
  ENSURE(read_all(*again, 1000) == messages, "other lines");
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  holdfast::fuzz::check_recovery({bytes, size});
  holdfast::fuzz::check_lines({bytes, size});
  return 0;
}
