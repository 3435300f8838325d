#include "api/filter_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "api/filter_condition.hpp"
#include "base/overload.hpp"

namespace holdfast::api {

namespace {

using filter::Condition;
using filter::Leaf;
using filter::Reader;
using filter::Regex;
using nlohmann::json;
using Parsed = tl::expected<std::shared_ptr<const FilterPattern::Matcher>, std::string>;

tl::unexpected<std::string> wrong(std::string message) { return tl::unexpected(std::move(message)); }

// ---- terms

using Term = std::variant<std::string, Regex>;

bool contains(std::string_view message, const Term& term) {
  return std::visit(Overload{[&](const std::string& text) { return message.find(text) != std::string_view::npos; },
                             [&](const Regex& regex) { return regex.found_in(message); }},
                    term);
}

struct Terms final : FilterPattern::Matcher {
  std::vector<Term> all;
  std::vector<Term> none;
  std::vector<Term> any;

  bool matches(std::string_view message) const override {
    const auto in_it = [&](const Term& term) { return contains(message, term); };
    return std::all_of(all.begin(), all.end(), in_it) && std::none_of(none.begin(), none.end(), in_it) &&
           (any.empty() || std::any_of(any.begin(), any.end(), in_it));
  }
};

tl::expected<Term, std::string> parse_term(Reader& reader) {
  if (reader.rest().starts_with('%')) {
    reader.take("%");
    return reader.regex();
  }
  // An empty phrase is in every message: "" alone is a pattern that all of them match.
  if (reader.rest().starts_with('"')) {
    reader.take("\"");
    return reader.quoted();
  }
  auto word = reader.word();
  if (word.empty()) return wrong("A term is empty.");
  return word;
}

Parsed parse_terms(std::string_view text) {
  auto terms = std::make_shared<Terms>();
  Reader reader(text);
  for (std::size_t count = 0; !reader.at_end(); ++count) {
    if (count == kMaxFilterParts) return wrong(fmt::format("There are more than {} terms.", kMaxFilterParts));
    auto& kind = reader.take("-") ? terms->none : reader.take("?") ? terms->any : terms->all;
    auto term = parse_term(reader);
    if (!term) return wrong(term.error());
    kind.push_back(std::move(*term));
  }
  return terms;
}

// ---- JSON

bool judge_value(const Leaf& leaf, const json& value) {
  return std::visit(Overload{[&](filter::Test test) {
                               switch (test) {
                                 case filter::Test::is_null:
                                   return value.is_null();
                                 case filter::Test::is_true:
                                   return value == true;
                                 case filter::Test::is_false:
                                   return value == false;
                                 case filter::Test::exists:
                                   return true;
                                 case filter::Test::not_exists:
                                   break;
                               }
                               return false;
                             },
                             [&](const filter::Comparison& comparison) {
                               if (value.is_number()) return compare(comparison, value.get<double>());
                               if (value.is_string()) return compare(comparison, value.get_ref<const std::string&>());
                               return value.is_boolean() && compare(comparison, value == true ? "true" : "false");
                             }},
                    leaf.what);
}

// Any of the values that the selector leads to.
bool judge_at(const Leaf& leaf, const json& value, std::size_t step) {
  if (step == leaf.selector.size()) return judge_value(leaf, value);
  const auto& to = leaf.selector[step].to;
  if (!to) {
    return value.is_structured() &&
           std::any_of(value.begin(), value.end(), [&](const json& each) { return judge_at(leaf, each, step + 1); });
  }
  if (const auto* index = std::get_if<std::size_t>(&*to))
    return value.is_array() && *index < value.size() && judge_at(leaf, value[*index], step + 1);
  if (!value.is_object()) return false;
  const auto member = value.find(std::get<std::string>(*to));
  return member != value.end() && judge_at(leaf, *member, step + 1);
}

bool judge_json(const Leaf& leaf, const json& message) {
  const auto* test = std::get_if<filter::Test>(&leaf.what);
  if (!test || *test != filter::Test::not_exists) return judge_at(leaf, message, 0);
  Leaf there = leaf;
  there.what = filter::Test::exists;
  return !judge_at(there, message, 0);
}

struct OfJson final : FilterPattern::Matcher {
  Condition condition;

  bool matches(std::string_view message) const override {
    const auto begin = message.find_first_not_of(" \t\r\n");
    // Most lines are none, and are not worth the parser's time.
    if (begin == std::string_view::npos || (message[begin] != '{' && message[begin] != '[')) return false;
    const auto parsed = json::parse(message, nullptr, false);
    if (parsed.is_discarded()) return false;
    return holds(condition, [&](const Leaf& leaf) { return judge_json(leaf, parsed); });
  }
};

Parsed parse_json(std::string_view text) {
  Reader reader(text);
  reader.take("{");
  auto condition = reader.json_condition();
  if (!condition) return wrong(condition.error());
  if (!reader.take("}")) return wrong("A pattern that begins with { must end with }.");
  if (!reader.at_end()) return wrong("There is something behind the closing brace.");
  auto matcher = std::make_shared<OfJson>();
  matcher->condition = std::move(*condition);
  return matcher;
}

// ---- columns

// What stands in quotes or brackets is one column, whatever blanks it has.
std::vector<std::string_view> columns_of(std::string_view message) {
  std::vector<std::string_view> columns;
  for (;;) {
    message.remove_prefix(std::min(message.find_first_not_of(" \t\r\n"), message.size()));
    if (message.empty()) return columns;
    const char close = message[0] == '"' ? '"' : message[0] == '[' ? ']' : '\0';
    const auto end = close ? message.find(close, 1) : std::string_view::npos;
    if (end != std::string_view::npos) {
      columns.push_back(message.substr(1, end - 1));
      message.remove_prefix(end + 1);
    } else {
      const auto blank = std::min(message.find_first_of(" \t\r\n"), message.size());
      columns.push_back(message.substr(0, blank));
      message.remove_prefix(blank);
    }
  }
}

struct Field {
  std::string name;
  std::optional<Condition> condition;
};

struct OfColumns final : FilterPattern::Matcher {
  std::vector<Field> first;
  bool more = false;  // any number of columns between the first and the last ones
  std::vector<Field> last;

  bool matches(std::string_view message) const override {
    const auto columns = columns_of(message);
    const std::size_t asked = first.size() + last.size();
    if (columns.size() < asked || (!more && columns.size() > asked)) return false;
    const auto hold = [&](const std::vector<Field>& fields, std::size_t from) {
      for (std::size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].condition && !holds(*fields[i].condition, [&](const Leaf& leaf) {
              return compare(std::get<filter::Comparison>(leaf.what), columns[from + i]);
            }))
          return false;
      }
      return true;
    };
    return hold(first, 0) && hold(last, columns.size() - last.size());
  }
};

// Empty: the condition may stand at the field.
std::string objection_to(const Condition& condition, const std::string& field) {
  for (const auto& part : condition.parts)
    if (auto objection = objection_to(part, field); !objection.empty()) return objection;
  if (condition.kind != Condition::Kind::leaf) return {};
  if (condition.leaf.field != field)
    return fmt::format("The conditions of the field '{}' must all be about it.", field);
  if (!std::holds_alternative<filter::Comparison>(condition.leaf.what))
    return "Fields can only be compared, with = != < <= > >=.";
  return {};
}

tl::expected<Field, std::string> parse_field(Reader& reader) {
  Reader ahead = reader;
  Field field;
  const bool in_parentheses = ahead.take("(");
  while (ahead.take("(")) continue;
  field.name = ahead.name();
  ahead.skip_blanks();
  const bool bare = !in_parentheses && (ahead.rest().starts_with(',') || ahead.rest().starts_with(']'));
  if (bare) {
    reader = ahead;
    return field;
  }
  auto condition = reader.field_condition();
  if (!condition) return wrong(condition.error());
  if (auto objection = objection_to(*condition, field.name); !objection.empty()) return wrong(objection);
  field.condition = std::move(*condition);
  return field;
}

Parsed parse_columns(std::string_view text) {
  auto matcher = std::make_shared<OfColumns>();
  Reader reader(text);
  reader.take("[");
  do {
    if (matcher->first.size() + matcher->last.size() == kMaxFilterParts)
      return wrong(fmt::format("There are more than {} fields.", kMaxFilterParts));
    if (reader.take("...")) {
      if (matcher->more) return wrong("There may be only one ... in a pattern.");
      matcher->more = true;
      continue;
    }
    auto field = parse_field(reader);
    if (!field) return wrong(field.error());
    (matcher->more ? matcher->last : matcher->first).push_back(std::move(*field));
  } while (reader.take(","));
  if (!reader.take("]")) return wrong("A pattern that begins with [ must end with ].");
  if (!reader.at_end()) return wrong("There is something behind the closing bracket.");
  return matcher;
}

}  // namespace

tl::expected<FilterPattern, std::string> FilterPattern::parse(std::string_view text) {
  Reader reader(text);
  reader.skip_blanks();
  const auto begin = reader.rest();
  auto matcher = begin.starts_with('{')   ? parse_json(begin)
                 : begin.starts_with('[') ? parse_columns(begin)
                                          : parse_terms(begin);
  if (!matcher) return tl::unexpected(matcher.error());
  return FilterPattern(std::move(*matcher));
}

}  // namespace holdfast::api
