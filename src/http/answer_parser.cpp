#include "http/answer_parser.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::http {

namespace {

constexpr std::string_view kSpace = " \t";
constexpr std::size_t kMaxChunkLine = 4096;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// "HTTP/1.1 200 OK"; the reason may be missing.
std::optional<int> status_of(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' '))
    return std::nullopt;
  int status = 0;
  const auto digits = line.substr(9, 3);
  const auto parsed = std::from_chars(digits.data(), digits.data() + 3, status);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + 3 || status < 100) return std::nullopt;
  return status;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<void> understand(AnswerHead& head) {
  for (const auto& [name, value] : head.headers) {
    if (equals_ignoring_case(name, "Content-Length")) {
      const auto length = number_of(value);
      if (!length || (head.length && *head.length != *length))
        return fail(Kind::try_again, "the answer's Content-Length is no length");
      head.length = length;
    } else if (equals_ignoring_case(name, "Transfer-Encoding")) {
      if (!equals_ignoring_case(value, "chunked") || head.chunked)
        return fail(Kind::try_again, "the answer's body is in an encoding that we do not know");
      head.chunked = true;
    } else if (equals_ignoring_case(name, "Connection")) {
      if (equals_ignoring_case(value, "close")) head.keep_alive = false;
      if (equals_ignoring_case(value, "keep-alive")) head.keep_alive = true;
    }
  }
  // Both: somebody on the way may have understood the other one.
  if (head.chunked && head.length) return fail(Kind::try_again, "the answer says two lengths");
  return {};
}

}  // namespace

Result<AnswerHead> parse_answer_head(std::string_view text) {
  const auto next_line = [&]() -> std::optional<std::string_view> {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  };
  AnswerHead head;
  const auto first = next_line();
  const auto status = first ? status_of(*first) : std::nullopt;
  if (!status) return fail(Kind::try_again, "the answer is not HTTP/1.1");
  head.status = *status;
  head.keep_alive = first->starts_with("HTTP/1.1");
  for (;;) {
    const auto line = next_line();
    if (!line) return fail(Kind::try_again, "the answer's head has no end");
    if (line->empty()) break;
    const auto colon = line->find(':');
    if (colon == std::string_view::npos || colon == 0 || line->find_first_of(kSpace) < colon ||
        line->find('\0') != std::string_view::npos || line->find('\r') != std::string_view::npos)
      return fail(Kind::try_again, "the answer has a header that is none");
    head.headers.add(std::string{line->substr(0, colon)}, std::string{trim(line->substr(colon + 1))});
  }
  if (auto understood = understand(head); !understood) return fail(std::move(understood.error()));
  return head;
}

//   chunk = size in hex [";" extension] CRLF bytes CRLF;  the last has size 0, then trailers, each a line, and CRLF
Result<void> ChunkedBody::take_sign(char c) {
  if (++line_ > kMaxChunkLine) return fail(Kind::try_again, "a chunk of the answer has an endless head");
  switch (state_) {
    case State::size: {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit >= 0) {
        if (++digits_ > 15) return fail(Kind::try_again, "a chunk of the answer is too large");
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return {};
      }
      if (digits_ == 0) return fail(Kind::try_again, "a chunk of the answer has no size");
      if (c != '\r' && c != '\n' && c != ';' && c != ' ') return fail(Kind::try_again, "a chunk's size is no number");
      state_ = State::extension;
      [[fallthrough]];
    }
    case State::extension:
      if (c != '\n') return {};
      state_ = left_ > 0 ? State::data : State::trailer;
      line_ = 0;
      return {};
    case State::after_data:
      if (c == '\r' && line_ == 1) return {};
      if (c != '\n') return fail(Kind::try_again, "a chunk of the answer is longer than it says");
      state_ = State::size;
      line_ = 0;
      digits_ = 0;
      return {};
    case State::trailer:
      if (++trailers_ > kMaxAnswerHead) return fail(Kind::try_again, "the answer has endless trailers");
      if (c == '\r') --line_;
      if (c != '\n') return {};
      if (line_ == 1) state_ = State::ended;
      line_ = 0;
      return {};
    case State::data:
    case State::ended:
      break;
  }
  return {};
}

Result<std::size_t> ChunkedBody::take(std::string_view bytes, const Sink& sink) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ != State::ended) {
    if (state_ != State::data) {
      if (auto step = take_sign(bytes[taken]); !step) return fail(std::move(step.error()));
      ++taken;
      continue;
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - taken));
    if (auto given = sink(bytes.substr(taken, count)); !given) return fail(std::move(given.error()));
    taken += count;
    left_ -= count;
    if (left_ == 0) {
      state_ = State::after_data;
      line_ = 0;
    }
  }
  return taken;
}

}  // namespace holdfast::http
