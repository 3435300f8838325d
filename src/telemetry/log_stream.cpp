#include "telemetry/log_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "base/log.hpp"

namespace holdfast::telemetry {

namespace {

constexpr std::uint64_t kReadBlock = 256 * 1024;
constexpr std::uint64_t kTailBlock = 64 * 1024;
// Escaping at most doubles a message, and two numbers of 20 digits stand before it.
constexpr std::size_t kMaxWrittenLine = 2 * kMaxLineBytes + 64;

void append_escaped(std::string& text, std::string_view message) {
  for (const char c : message) {
    if (c == '\\') {
      text += "\\\\";
    } else if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
}

std::string unescaped(std::string_view text) {
  std::string message;
  message.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      message += text[++i] == 'n' ? '\n' : text[i];
    } else {
      message += text[i];
    }
  }
  return message;
}

// Takes "<number> " or "<number>" from the front.
template <class Number>
std::optional<Number> take_number(std::string_view& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return value;
}

std::optional<BatchId> parse_batch(std::string_view line) {
  if (!line.starts_with("B ")) return std::nullopt;
  line.remove_prefix(2);
  const auto fence = take_number<std::uint64_t>(line);
  const auto sequence = fence ? take_number<std::uint64_t>(line) : std::nullopt;
  if (!sequence || !line.empty()) return std::nullopt;
  return BatchId{Fence{*fence}, *sequence};
}

std::optional<ports::LogEvent> parse_event(std::string_view line) {
  if (!line.starts_with("E ")) return std::nullopt;
  line.remove_prefix(2);
  const auto timestamp = take_number<std::int64_t>(line);
  const auto ingestion = timestamp ? take_number<std::int64_t>(line) : std::nullopt;
  if (!ingestion) return std::nullopt;
  return ports::LogEvent{*timestamp, *ingestion, unescaped(line)};
}

// The last B line of `text` that ends in a line feed: its id, and where the text behind it begins.
struct LastBatch {
  BatchId id;
  std::size_t end = 0;
};

std::optional<LastBatch> last_batch_in(std::string_view text) {
  for (;;) {
    const auto end = text.rfind('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const auto before = end == 0 ? std::string_view::npos : text.rfind('\n', end - 1);
    const auto begin = before == std::string_view::npos ? 0 : before + 1;
    if (const auto id = parse_batch(text.substr(begin, end - begin))) return LastBatch{*id, end + 1};
    if (begin == 0) return std::nullopt;
    text = text.substr(0, begin);
  }
}

}  // namespace

Result<LogStream> LogStream::open(const std::filesystem::path& path, bool create) {
  Fd fd{::open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600)};
  if (!fd) return fail_errno("opening " + path.string(), errno);
  LogStream stream(std::move(fd), path.string());
  if (auto recovered = stream.recover(); !recovered) return fail(recovered.error());
  return stream;
}

// Looks at the end only; the part behind the last B line is as long as a batch at most.
Result<void> LogStream::recover() {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return fail_errno("looking at " + name_, errno);
  const auto length = static_cast<std::uint64_t>(info.st_size);
  for (std::uint64_t looked = std::min(length, kTailBlock);; looked = std::min(length, looked * 4)) {
    const auto tail = read_range(length - looked, length);
    if (!tail) return fail(tail.error());
    // A block that begins amid a line cannot mistake its rest for a B line: it would need a line feed before it.
    const bool whole = looked == length;
    const auto first_line = whole ? 0 : std::min(tail->size(), tail->find('\n') + 1);
    const auto last = last_batch_in(std::string_view(*tail).substr(first_line));
    if (!last && !whole) {
      if (looked > 2 * kMaxBatchBytes) return fail(Kind::permanent, "{}: this is no log stream", name_);
      continue;
    }
    size_ = last ? length - looked + first_line + last->end : 0;
    if (last) last_batch_ = last->id;
    break;
  }
  if (size_ == length) return {};
  log_warn("{}: cutting off {} bytes of an unfinished batch", name_, length - size_);
  if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) return fail_errno("cutting " + name_, errno);
  return {};
}

Result<std::string> LogStream::read_range(std::uint64_t from, std::uint64_t to) const {
  std::string bytes(static_cast<std::size_t>(to - from), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(from + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading " + name_, errno);
    if (n == 0) return fail(Kind::permanent, "reading {}: it has become shorter", name_);
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

// Not with O_APPEND: should half a batch ever stay there, the next one is written over it.
Result<void> LogStream::write_at_end(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(size_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error_number = errno;
      if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) log_error("{}: half a batch stays there", name_);
      return fail_errno("writing " + name_, error_number);
    }
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<void> LogStream::append(const BatchId& batch, const std::vector<ports::LogEvent>& lines) {
  std::string text;
  for (const auto& line : lines) {
    fmt::format_to(std::back_inserter(text), "E {} {} ", line.timestamp_ms, line.ingestion_ms);
    append_escaped(text, line.message);
    text += '\n';
    if (line.message.size() > kMaxLineBytes || text.size() > kMaxBatchBytes) {
      return fail(Kind::invalid, "writing {}: a line of more than {} or a batch of more than {} bytes", name_,
                  kMaxLineBytes, kMaxBatchBytes);
    }
  }
  fmt::format_to(std::back_inserter(text), "B {} {}\n", batch.fence.value, batch.sequence);
  if (auto written = write_at_end(text); !written) return written;
  size_ += text.size();
  last_batch_ = batch;
  return {};
}

Result<ports::LogPage> LogStream::read(std::uint64_t size, std::uint64_t from, std::size_t limit, std::int64_t start_ms,
                                       std::int64_t end_ms) const {
  if (from > size) return fail(Kind::invalid, "{}: there is no position {}", name_, from);
  if (from > 0) {
    const auto before = read_range(from - 1, from);
    if (!before) return fail(before.error());
    if (*before != "\n") return fail(Kind::invalid, "{}: no line begins at position {}", name_, from);
  }
  ports::LogPage page{.events = {}, .first = from, .next = from};
  const std::uint64_t end = std::min(size, from + kMaxScannedBytes);
  std::uint64_t block = kReadBlock;
  std::size_t bytes = 0;
  bool full = false;
  while (!full && page.next < end) {
    const auto text = read_range(page.next, std::min(size, page.next + block));
    if (!text) return fail(text.error());
    std::string_view rest(*text);
    for (auto feed = rest.find('\n'); feed != std::string_view::npos && !full; feed = rest.find('\n')) {
      auto event = parse_event(rest.substr(0, feed));
      if (event && event->timestamp_ms >= start_ms && event->timestamp_ms < end_ms) {
        full = page.events.size() == limit || bytes + event->message.size() > kMaxPageBytes;
        if (full) break;
        if (page.events.empty()) page.first = page.next;
        bytes += event->message.size();
        page.events.push_back(std::move(*event));
      }
      page.next += feed + 1;
      rest.remove_prefix(feed + 1);
    }
    // One line may be longer than a block.
    const bool stuck = rest.size() == text->size() && !full;
    if (stuck && block >= kMaxWrittenLine) return fail(Kind::permanent, "{}: a line without an end", name_);
    block = stuck ? kMaxWrittenLine : kReadBlock;
  }
  return page;
}

}  // namespace holdfast::telemetry
