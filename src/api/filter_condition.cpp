#include "api/filter_condition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "api/filter_pattern.hpp"

namespace holdfast::api::filter {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kEndsName = " \t\r\n.,()[]{}=!<>&|\"";
constexpr std::string_view kEndsValue = " \t\r\n,()[]{}=!<>&|\"";

tl::unexpected<std::string> wrong(std::string message) { return tl::unexpected(std::move(message)); }

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

template <class T>
bool ordered(Operator op, const T& one, const T& other) {
  switch (op) {
    case Operator::equal:
      return one == other;
    case Operator::not_equal:
      return one != other;
    case Operator::less:
      return one < other;
    case Operator::less_or_equal:
      return one <= other;
    case Operator::greater:
      return one > other;
    case Operator::greater_or_equal:
      return one >= other;
  }
  return false;
}

}  // namespace

// ---- judging

bool matches_wildcards(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // Each piece between two stars at its first place leaves the most for those behind it.
  for (auto end = pattern.find('*'); end != std::string_view::npos; end = pattern.find('*')) {
    const auto found = text.find(pattern.substr(0, end));
    if (found == std::string_view::npos) return false;
    text.remove_prefix(found + end);
    pattern.remove_prefix(end + 1);
  }
  return text.ends_with(pattern);
}

std::optional<double> number_in(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

bool compare(const Comparison& comparison, std::string_view text) {
  if (comparison.value.number) {
    if (const auto number = number_in(text)) return compare(comparison, *number);
  }
  const auto& [pattern, _, regex] = comparison.value;
  const bool equal = regex ? regex->found_in(text) : matches_wildcards(pattern, text);
  // There is no order of texts.
  return comparison.op == Operator::equal ? equal : comparison.op == Operator::not_equal && !equal;
}

bool compare(const Comparison& comparison, double number) {
  if (comparison.value.number) return ordered(comparison.op, number, *comparison.value.number);
  // As in "4*": the number as people write it.
  return compare(comparison, std::string_view(fmt::format("{}", number)));
}

// ---- reading

void Reader::skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }

bool Reader::at_end() {
  skip_blanks();
  return rest_.empty();
}

bool Reader::take(std::string_view symbol) {
  skip_blanks();
  if (!rest_.starts_with(symbol)) return false;
  rest_.remove_prefix(symbol.size());
  return true;
}

bool Reader::take_word(std::string_view word) {
  skip_blanks();
  const auto found = rest_.substr(0, std::min(rest_.find_first_of(kEndsName), rest_.size()));
  if (!std::equal(found.begin(), found.end(), word.begin(), word.end(), [](char c, char w) { return upper(c) == w; }))
    return false;
  rest_.remove_prefix(found.size());
  return true;
}

tl::expected<std::string, std::string> Reader::quoted() {
  std::string text;
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    if (rest_[i] == '"') {
      rest_.remove_prefix(i + 1);
      return text;
    }
    if (rest_[i] == '\\' && i + 1 < rest_.size() && (rest_[i + 1] == '"' || rest_[i + 1] == '\\')) ++i;
    text += rest_[i];
  }
  return wrong("A quote is not closed.");
}

tl::expected<Regex, std::string> Reader::regex() {
  if (++regexes_ > kMaxFilterRegexes)
    return wrong(fmt::format("There are more than {} regular expressions.", kMaxFilterRegexes));
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    if (rest_[i] == '\\') {
      ++i;
    } else if (rest_[i] == '%') {
      const auto text = rest_.substr(0, i);
      rest_.remove_prefix(i + 1);
      return Regex::compile(text);
    }
  }
  return wrong("A regular expression is not closed: it stands between two %.");
}

std::string Reader::name() {
  skip_blanks();
  const auto end = std::min(rest_.find_first_of(kEndsName), rest_.size());
  std::string found(rest_.substr(0, end));
  rest_.remove_prefix(end);
  return found;
}

std::string Reader::word() {
  const auto end = std::min(rest_.find_first_of(kBlanks), rest_.size());
  std::string found(rest_.substr(0, end));
  rest_.remove_prefix(end);
  return found;
}

Reader::Read Reader::row(bool json, int depth, std::string_view between, Condition::Kind kind,
                         Read (Reader::*part)(bool, int)) {
  Condition row;
  row.kind = kind;
  do {
    auto next = (this->*part)(json, depth);
    if (!next) return next;
    row.parts.push_back(std::move(*next));
  } while (take(between));
  if (row.parts.size() > 1) return row;
  Condition only = std::move(row.parts.front());
  return only;
}

Reader::Read Reader::condition(bool json, int depth) {
  return row(json, depth, "||", Condition::Kind::any, &Reader::all);
}

Reader::Read Reader::all(bool json, int depth) { return row(json, depth, "&&", Condition::Kind::all, &Reader::one); }

Reader::Read Reader::one(bool json, int depth) {
  if (take("(")) {
    if (depth == kMaxFilterDepth) return wrong(fmt::format("There are more than {} parentheses.", kMaxFilterDepth));
    auto inner = condition(json, depth + 1);
    if (inner && !take(")")) return wrong("A parenthesis is not closed.");
    return inner;
  }
  if (++leaves_ > kMaxFilterParts) return wrong(fmt::format("There are more than {} conditions.", kMaxFilterParts));
  Condition leaf;
  if (json) {
    auto where = selector();
    if (!where) return wrong(where.error());
    leaf.leaf.selector = std::move(*where);
  } else {
    leaf.leaf.field = name();
    if (leaf.leaf.field.empty()) return wrong("A condition must begin with the name of its field.");
  }
  auto what = test();
  if (!what) return wrong(what.error());
  leaf.leaf.what = std::move(*what);
  return leaf;
}

tl::expected<Selector, std::string> Reader::selector() {
  if (!take("$")) return wrong("A condition must begin with a selector, such as $.member.");
  Selector steps;
  for (;;) {
    // No blanks within a selector.
    if (rest_.starts_with(".*")) {
      rest_.remove_prefix(2);
      steps.push_back({});
    } else if (rest_.starts_with('.') && !rest_.starts_with(".[")) {
      rest_.remove_prefix(1);
      const auto end = std::min(rest_.find_first_of(kEndsName), rest_.size());
      if (end == 0) return wrong("A selector has a dot without a name behind it.");
      steps.push_back({std::string(rest_.substr(0, end))});
      rest_.remove_prefix(end);
    } else if (rest_.starts_with('[') || rest_.starts_with(".[")) {
      rest_.remove_prefix(rest_.find('[') + 1);
      auto step = in_brackets();
      if (!step) return wrong(step.error());
      steps.push_back(std::move(*step));
    } else {
      return steps;
    }
  }
}

tl::expected<Step, std::string> Reader::in_brackets() {
  Step step;
  if (take("\"")) {
    auto member = quoted();
    if (!member) return wrong(member.error());
    step.to = std::move(*member);
  } else if (!take("*")) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), index);
    if (error != std::errc{}) return wrong("Brackets in a selector must hold an index, a quoted name or *.");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    step.to = index;
  }
  if (!take("]")) return wrong("A bracket in a selector is not closed.");
  return step;
}

tl::expected<std::variant<Comparison, Test>, std::string> Reader::test() {
  if (take_word("IS")) {
    if (take_word("NULL")) return Test::is_null;
    if (take_word("TRUE")) return Test::is_true;
    if (take_word("FALSE")) return Test::is_false;
    return wrong("IS must be followed by NULL, TRUE or FALSE.");
  }
  if (take_word("EXISTS")) return Test::exists;
  if (take_word("NOT")) {
    if (take_word("EXISTS")) return Test::not_exists;
    return wrong("NOT must be followed by EXISTS.");
  }
  constexpr std::array<std::pair<std::string_view, Operator>, 6> kOperators = {{{"!=", Operator::not_equal},
                                                                                {"<=", Operator::less_or_equal},
                                                                                {">=", Operator::greater_or_equal},
                                                                                {"=", Operator::equal},
                                                                                {"<", Operator::less},
                                                                                {">", Operator::greater}}};
  const auto op =
      std::find_if(kOperators.begin(), kOperators.end(), [&](const auto& each) { return take(each.first); });
  if (op == kOperators.end()) return wrong("A condition must have one of = != < <= > >=, IS, EXISTS or NOT EXISTS.");
  auto right = value();
  if (!right) return wrong(right.error());
  const bool in_order = op->second != Operator::equal && op->second != Operator::not_equal;
  if (in_order && !right->number) return wrong(fmt::format("{} must be followed by a number.", op->first));
  return Comparison{op->second, std::move(*right)};
}

tl::expected<Value, std::string> Reader::value() {
  Value value;
  if (take("%")) {
    auto compiled = regex();
    if (!compiled) return wrong(compiled.error());
    value.regex = std::move(*compiled);
    return value;
  }
  if (take("\"")) {
    auto text = quoted();
    if (!text) return wrong(text.error());
    value.text = std::move(*text);
    return value;
  }
  skip_blanks();
  const auto end = std::min(rest_.find_first_of(kEndsValue), rest_.size());
  value.text = rest_.substr(0, end);
  rest_.remove_prefix(end);
  if (value.text.empty()) return wrong("A condition has no value behind its operator.");
  value.number = number_in(value.text);
  return value;
}

}  // namespace holdfast::api::filter
