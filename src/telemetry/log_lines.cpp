#include "telemetry/log_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace holdfast::telemetry {

namespace {

void append_escaped(std::string& text, std::string_view message) {
  for (;;) {
    std::size_t plain = 0;
    while (plain < message.size() && message[plain] != '\\' && message[plain] != '\n') ++plain;
    text += message.substr(0, plain);
    if (plain == message.size()) return;
    text += message[plain] == '\n' ? "\\n" : "\\\\";
    message.remove_prefix(plain + 1);
  }
}

// Takes "<number> " or "<number>" from the front.
template <class Number>
std::optional<Number> take_number(std::string_view& text) {
  constexpr std::size_t kNeverTooLarge = 18;
  Number value{};
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9' && digits < kNeverTooLarge; ++digits) {
    value = value * 10 + static_cast<Number>(text[digits] - '0');
  }
  // std::from_chars() minds every digit whether the number becomes too large, which is several times the work.
  if (digits == 0 || digits == kNeverTooLarge) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    digits = static_cast<std::size_t>(end - text.data());
  }
  text.remove_prefix(digits);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return value;
}

}  // namespace

void append_event_line(std::string& text, const ports::LogEvent& event) {
  char numbers[64];
  const auto end = fmt::format_to(numbers, "E {} {} ", event.timestamp_ms, event.ingestion_ms);
  text.append(numbers, end);
  append_escaped(text, event.message);
  text += '\n';
}

void append_batch_line(std::string& text, const BatchId& batch) {
  fmt::format_to(std::back_inserter(text), "B {} {}\n", batch.fence.value, batch.sequence);
}

std::optional<BatchId> parse_batch(std::string_view line) {
  if (!line.starts_with("B ")) return std::nullopt;
  line.remove_prefix(2);
  const auto fence = take_number<std::uint64_t>(line);
  const auto sequence = fence ? take_number<std::uint64_t>(line) : std::nullopt;
  if (!sequence || !line.empty()) return std::nullopt;
  return BatchId{Fence{*fence}, *sequence};
}

std::optional<RawEvent> parse_event(std::string_view line) {
  if (!line.starts_with("E ")) return std::nullopt;
  line.remove_prefix(2);
  const auto timestamp = take_number<std::int64_t>(line);
  const auto ingestion = timestamp ? take_number<std::int64_t>(line) : std::nullopt;
  if (!ingestion) return std::nullopt;
  return RawEvent{*timestamp, *ingestion, line};
}

std::string_view unescape_in_place(char* text, std::size_t size) {
  std::string_view rest(text, size);
  char* end = text;
  const auto move = [&](std::size_t count) {
    end = std::copy_n(rest.data(), count, end);
    rest.remove_prefix(count);
  };
  for (;;) {
    const auto plain = std::min(rest.find('\\'), rest.size());
    if (plain == size) return rest;  // nearly always
    move(plain);
    if (rest.size() < 2) {
      move(rest.size());
      return {text, static_cast<std::size_t>(end - text)};
    }
    *end++ = rest[1] == 'n' ? '\n' : rest[1];
    rest.remove_prefix(2);
  }
}

std::string unescaped(std::string_view text) {
  std::string message(text);
  message.resize(unescape_in_place(message.data(), message.size()).size());
  return message;
}

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

}  // namespace holdfast::telemetry
