#include "api/search/filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "api/hyper_parameters.hpp"
#include "api/search/expression.hpp"

namespace holdfast::api::search {

namespace {

using nlohmann::json;

struct NamedOperator {
  const char* name;
  Operator op;
};
constexpr std::array kOperators{
    NamedOperator{"Equals", Operator::equals},        NamedOperator{"NotEquals", Operator::not_equals},
    NamedOperator{"GreaterThan", Operator::greater},  NamedOperator{"GreaterThanOrEqualTo", Operator::greater_or_equal},
    NamedOperator{"LessThan", Operator::less},        NamedOperator{"LessThanOrEqualTo", Operator::less_or_equal},
    NamedOperator{"Contains", Operator::contains},    NamedOperator{"Exists", Operator::exists},
    NamedOperator{"NotExists", Operator::not_exists}, NamedOperator{"In", Operator::in}};

bool is_order(Operator op) {
  return op == Operator::greater || op == Operator::greater_or_equal || op == Operator::less ||
         op == Operator::less_or_equal;
}
bool is_presence(Operator op) { return op == Operator::exists || op == Operator::not_exists; }
bool is_for_text(Operator op) { return op == Operator::contains || op == Operator::in; }

const char* describe(Type type) {
  switch (type) {
    case Type::text:
    case Type::mixed:
      return "text";
    case Type::number:
      return "a number";
    case Type::time:
      return "a time";
    case Type::boolean:
      return "true or false";
    case Type::structure:
      return "a structure";
  }
  return "?";
}

bool fits(Operator op, Type type) {
  if (is_presence(op)) return true;
  switch (type) {
    case Type::text:
      return !is_order(op);
    case Type::mixed:
      return true;
    case Type::number:
    case Type::time:
      return !is_for_text(op);
    case Type::boolean:
      return op == Operator::equals || op == Operator::not_equals;
    case Type::structure:
      return false;
  }
  return false;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    std::string word = list.substr(at, comma - at);
    word.erase(0, std::min(word.find_first_not_of(' '), word.size()));
    word.erase(word.find_last_not_of(' ') + 1);
    words.push_back(std::move(word));
    at = comma + 1;
  }
  return words;
}

// What the value must be for the property's type, or nothing when it is.
const char* read_value(Filter& filter) {
  switch (filter.property.type) {
    case Type::number:
      filter.number = read_number(filter.text);
      return filter.number ? nullptr : "must be a number";
    case Type::time:
      filter.number = read_time(filter.text);
      filter.whole_seconds = filter.text.find('.') == std::string::npos;
      return filter.number ? nullptr : "must be a time in UTC such as 2026-11-23T09:35:06";
    case Type::boolean:
      return filter.text == "true" || filter.text == "false" ? nullptr : "must be true or false";
    case Type::mixed:
      filter.number = read_number(filter.text);
      return nullptr;
    case Type::text:
    case Type::structure:
      return nullptr;
  }
  return nullptr;
}

template <class Value>
bool compare(Operator op, const Value& a, const Value& b) {
  switch (op) {
    case Operator::equals:
      return a == b;
    case Operator::greater:
      return a > b;
    case Operator::greater_or_equal:
      return a >= b;
    case Operator::less:
      return a < b;
    case Operator::less_or_equal:
      return a <= b;
    default:
      return false;
  }
}

std::string text_of(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

bool number_holds(const Filter& filter, Operator op, double value) {
  return compare(op, filter.whole_seconds ? std::floor(value) : value, *filter.number);
}

bool value_holds(const Filter& filter, Operator op, const json& value) {
  if (value.is_number()) return filter.number && number_holds(filter, op, value.get<double>());
  const std::string text = text_of(value);
  if (op == Operator::contains) return text.find(filter.text) != std::string::npos;
  if (op == Operator::in) return std::find(filter.words.begin(), filter.words.end(), text) != filter.words.end();
  if (filter.property.type == Type::mixed && filter.number) {
    if (const auto number = read_number(text)) return compare(op, *number, *filter.number);
  }
  return op == Operator::equals && text == filter.text;
}

}  // namespace

tl::expected<Filter, std::string> compile_filter(const json& given, Property property) {
  Filter filter{std::move(property), Operator::equals, given.value("Value", ""), {}, false, {}};
  const std::string name = given.value("Operator", "Equals");
  const auto found =
      std::find_if(kOperators.begin(), kOperators.end(), [&](const auto& op) { return name == op.name; });
  if (found == kOperators.end()) return tl::unexpected(fmt::format("The operator {} is not known.", name));
  filter.op = found->op;
  const auto refuse = [&](const std::string& why) {
    return tl::unexpected(fmt::format("Filter '{}': {}", filter.property.name, why));
  };
  if (!fits(filter.op, filter.property.type)) {
    return refuse(fmt::format("the operator {} is not supported for a property that is {}.", name,
                              describe(filter.property.type)));
  }
  if (is_presence(filter.op)) {
    if (given.contains("Value")) return refuse(fmt::format("the operator {} takes no Value. Leave it out.", name));
    return filter;
  }
  if (!given.contains("Value")) return refuse(fmt::format("the operator {} needs a Value.", name));
  if (filter.op == Operator::in) {
    filter.words = split(filter.text);
  } else if (const char* wrong = read_value(filter)) {
    return refuse(fmt::format("the Value '{}' {}.", filter.text, wrong));
  }
  return filter;
}

bool holds(const Filter& filter, const std::vector<const json*>& values) {
  if (filter.op == Operator::exists) return !values.empty();
  if (filter.op == Operator::not_exists) return values.empty();
  const bool negated = filter.op == Operator::not_equals;
  const Operator op = negated ? Operator::equals : filter.op;
  const bool any =
      std::any_of(values.begin(), values.end(), [&](const json* value) { return value_holds(filter, op, *value); });
  return any != negated;
}

}  // namespace holdfast::api::search
