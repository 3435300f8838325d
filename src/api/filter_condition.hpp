// The conditions in filter patterns of JSON and of columns, and how they are read.
//
//   condition   all ("||" all)*
//   all         one ("&&" one)*
//   one         "(" condition ")" | subject operator value | subject IS NULL|TRUE|FALSE | subject [NOT] EXISTS
//   operator    = != < <= > >=
//   value       "text with * for anything" | 3.5 | word* | "%" regular expression "%"
//
// A number is compared as one with whatever looks like one; the rest is compared as text, letter by letter.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "api/filter_regex.hpp"

namespace holdfast::api::filter {

enum class Operator { equal, not_equal, less, less_or_equal, greater, greater_or_equal };
enum class Test { is_null, is_true, is_false, exists, not_exists };

struct Value {
  std::string text;
  std::optional<double> number = {};  // unquoted, and reads as one
  std::optional<Regex> regex = {};    // instead of the text
};

struct Comparison {
  Operator op = Operator::equal;
  Value value;
};

// Where in a JSON document: member names and list indices; no value is any of them.
struct Step {
  std::optional<std::variant<std::string, std::size_t>> to;
};
using Selector = std::vector<Step>;

struct Leaf {
  Selector selector;  // of a JSON pattern
  std::string field;  // of a pattern of columns
  std::variant<Comparison, Test> what;
};

struct Condition {
  enum class Kind { leaf, all, any };
  Kind kind = Kind::leaf;
  Leaf leaf;
  std::vector<Condition> parts;
};

// Whether it holds, given how each leaf is judged.
template <class Judge>
bool holds(const Condition& condition, const Judge& judge) {
  if (condition.kind == Condition::Kind::leaf) return judge(condition.leaf);
  const bool any = condition.kind == Condition::Kind::any;
  for (const auto& part : condition.parts)
    if (holds(part, judge) == any) return any;
  return !any;
}

bool compare(const Comparison& comparison, std::string_view text);
bool compare(const Comparison& comparison, double number);
// `pattern` with * for any number of characters.
bool matches_wildcards(std::string_view pattern, std::string_view text);

// A number and nothing else; no "inf" and no "nan".
std::optional<double> number_in(std::string_view text);

// Reads a pattern from its beginning. Errors are sentences.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  void skip_blanks();
  bool at_end();
  // Blanks before it are passed over.
  bool take(std::string_view symbol);
  bool take_word(std::string_view word);  // whole, in capitals or not
  std::string_view rest() const { return rest_; }

  tl::expected<std::string, std::string> quoted();  // behind the opening quote
  tl::expected<Regex, std::string> regex();         // behind the opening %
  std::string name();                               // up to a symbol; may be empty
  std::string word();                               // up to a blank
  tl::expected<Condition, std::string> json_condition() { return condition(true, 0); }
  // Of one column: every subject is a name.
  tl::expected<Condition, std::string> field_condition() { return condition(false, 0); }

 private:
  using Read = tl::expected<Condition, std::string>;
  Read condition(bool json, int depth);
  Read all(bool json, int depth);
  Read one(bool json, int depth);
  Read row(bool json, int depth, std::string_view between, Condition::Kind kind, Read (Reader::*part)(bool, int));
  tl::expected<Selector, std::string> selector();
  tl::expected<Step, std::string> in_brackets();
  tl::expected<std::variant<Comparison, Test>, std::string> test();
  tl::expected<Value, std::string> value();

  std::string_view rest_;
  std::size_t leaves_ = 0;
  std::size_t regexes_ = 0;
};

}  // namespace holdfast::api::filter
