#include "api/s3/form_data.hpp"

#include <algorithm>

#include "http/message.hpp"

namespace holdfast::api::s3 {

namespace {

constexpr std::string_view kFormData = "form-data";
constexpr std::string_view kBlanks = " \t";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool starts_with_ignoring_case(std::string_view text, std::string_view beginning) {
  return http::equals_ignoring_case(text.substr(0, beginning.size()), beginning);
}

// Of `; name=value; name="value"`: a quoted value may hold anything, its own quotes behind a backslash. Another
// backslash is one: browsers of old sent whole paths.
std::optional<std::string> parameter(std::string_view text, std::string_view wanted) {
  while (!text.empty()) {
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t;")));
    const auto equals = text.find_first_of("=;");
    const auto name = trimmed(text.substr(0, equals));
    if (equals == std::string_view::npos || text[equals] == ';') {
      text.remove_prefix(std::min(text.size(), equals));
      continue;
    }
    text.remove_prefix(equals + 1);
    std::string value;
    if (text.starts_with('"')) {
      std::size_t at = 1;
      for (; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '"') ++at;
        value += text[at];
      }
      if (at == text.size()) return std::nullopt;
      text.remove_prefix(at + 1);
    } else {
      const auto end = std::min(text.find(';'), text.size());
      value = trimmed(text.substr(0, end));
      text.remove_prefix(end);
    }
    if (http::equals_ignoring_case(name, wanted)) return value;
  }
  return std::nullopt;
}

// Nothing: it has no name, so it is no field of a form.
std::optional<FormPart> part_of(std::string_view head) {
  FormPart part;
  bool named = false;
  while (!head.empty()) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto value = trimmed(line.substr(colon + 1));
    if (http::equals_ignoring_case(trimmed(line.substr(0, colon)), "Content-Type")) part.content_type = value;
    if (!http::equals_ignoring_case(trimmed(line.substr(0, colon)), "Content-Disposition")) continue;
    if (!starts_with_ignoring_case(value, kFormData)) return std::nullopt;
    const auto name = parameter(value.substr(kFormData.size()), "name");
    if (!name) return std::nullopt;
    named = true;
    part.name = *name;
    part.filename = parameter(value.substr(kFormData.size()), "filename");
  }
  return named ? std::optional(part) : std::nullopt;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  constexpr std::string_view kType = "multipart/form-data";
  if (!starts_with_ignoring_case(content_type, kType)) return std::nullopt;
  content_type.remove_prefix(kType.size());
  if (!content_type.empty() && content_type[0] != ';' && content_type[0] != ' ') return std::nullopt;
  auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundary) return std::nullopt;
  // A line break in it could never be told from the ones around it.
  if (boundary->find_first_of("\r\n") != std::string::npos) return std::nullopt;
  return boundary;
}

Result<void> FormDataParser::feed(std::string_view block, const Take& take) {
  if (!problem_.empty() || state_ == State::end) return {};
  unread_ += block;
  for (;;) {
    const auto stepped = step(take);
    if (!stepped) return fail(stepped.error());
    if (!*stepped) return {};
  }
}

Result<bool> FormDataParser::step(const Take& take) {
  if (!problem_.empty()) return false;
  switch (state_) {
    case State::preamble:
    case State::value:
      return read_value(take);
    case State::after_boundary:
      return read_boundary_line();
    case State::head:
      return read_head(take);
    case State::end:
      break;
  }
  unread_.clear();
  return false;
}

Result<bool> FormDataParser::read_value(const Take& take) {
  const auto found = unread_.find(delimiter_);
  const bool ended = found != std::string::npos;
  // What is left may be the beginning of a boundary.
  const auto length = ended ? found : unread_.size() - std::min(unread_.size(), delimiter_.size() - 1);
  if (length > 0 && state_ == State::value) {
    if (auto taken = take.bytes(std::string_view(unread_).substr(0, length)); !taken) return fail(taken.error());
  }
  if (state_ == State::preamble && (preamble_ += length) > kMaxPartHead) {
    fail_with("There is too much in front of its first boundary.");
    return false;
  }
  unread_.erase(0, ended ? length + delimiter_.size() : length);
  if (ended) state_ = State::after_boundary;
  return ended;
}

bool FormDataParser::read_boundary_line() {
  if (unread_.size() < 2) return false;
  if (unread_.starts_with("--")) {
    state_ = State::end;
    return true;
  }
  const auto end = unread_.find("\r\n");
  const auto blanks = std::min(unread_.find_first_not_of(kBlanks), unread_.size());
  if (end == std::string::npos) {
    const bool may_follow = blanks == unread_.size() || (blanks + 1 == unread_.size() && unread_.back() == '\r');
    if (!may_follow || unread_.size() > kMaxPartHead) fail_with("There is more in the line of a boundary.");
    return false;
  }
  if (blanks != end) {
    fail_with("There is more in the line of a boundary.");
    return false;
  }
  // The line break stays: the head may be empty, and then ends with it.
  unread_.erase(0, end);
  state_ = State::head;
  return true;
}

Result<bool> FormDataParser::read_head(const Take& take) {
  const auto end = unread_.find("\r\n\r\n");
  if (end == std::string::npos || end > kMaxPartHead) {
    if (unread_.size() > kMaxPartHead) fail_with("The headers of a part are too long.");
    return false;
  }
  const auto part = end == 0 ? std::nullopt : part_of(std::string_view(unread_).substr(2, end - 2));
  if (!part || ++parts_ > kMaxFormParts) {
    fail_with(part ? "The form has too many parts." : "A part has no name.");
    return false;
  }
  unread_.erase(0, end + 4);
  state_ = State::value;
  if (auto taken = take.begin(*part); !taken) return fail(taken.error());
  return true;
}

void FormDataParser::fail_with(std::string problem) {
  problem_ = std::move(problem);
  unread_.clear();
}

}  // namespace holdfast::api::s3
