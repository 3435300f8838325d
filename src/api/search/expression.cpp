#include "api/search/expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "api/hyper_parameters.hpp"
#include "api/search/filter.hpp"

namespace holdfast::api::search {

using nlohmann::json;

// ---- values

namespace {

void collect(const json& value, const std::vector<std::string>& path, std::size_t at, std::vector<const json*>& out) {
  if (value.is_array()) {
    for (const json& element : value) collect(element, path, at, out);
  } else if (at == path.size()) {
    out.push_back(&value);
  } else if (value.is_object()) {
    if (const auto found = value.find(path[at]); found != value.end()) collect(*found, path, at + 1, out);
  }
}

std::vector<const json*> picked(const json& list, const Pick& pick) {
  for (const json& element : list) {
    if (element.value(pick.name_member, "") == pick.name) return {&element.at(pick.value_member)};
  }
  return {};
}

}  // namespace

std::vector<const json*> values_of(const Record& record, const Property& property) {
  const json* member = record.member(property.member);
  if (!member || member->is_null()) return {};
  if (property.pick) return picked(*member, *property.pick);
  std::vector<const json*> values;
  // An empty structure is there all the same.
  if (property.path.empty() && member->is_structured() && property.type == Type::structure) return {member};
  collect(*member, property.path, 0, values);
  return values;
}

std::optional<double> read_time(const std::string& text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < kForm.size()) return {};
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return {};
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) value = value * 10 + (text[i] - '0');
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year{number(0, 4)},
                                         std::chrono::month{static_cast<unsigned>(number(5, 2))},
                                         std::chrono::day{static_cast<unsigned>(number(8, 2))}};
  std::string rest = text.substr(kForm.size());
  if (rest.ends_with('Z')) rest.pop_back();
  const auto fraction = rest.empty() ? std::optional(0.0) : read_number("0" + rest);
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60) return {};
  if (!fraction || *fraction >= 1) return {};
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return static_cast<double>(days) * 86400.0 + number(11, 2) * 3600.0 + number(14, 2) * 60.0 + number(17, 2) +
         *fraction;
}

// ---- the tree

struct Expression::Node {
  struct Nested {
    Property list;
    std::vector<Filter> filters;  // their properties begin at an element
  };
  bool all = true;  // And; otherwise Or
  std::vector<Filter> filters;
  std::vector<Nested> nested;
  std::vector<Node> inner;
};

namespace {

using Node = Expression::Node;

// An element of a list, as a record with one member that is the element.
class Element final : public Record {
 public:
  explicit Element(const json& element) : element_(element) {}
  const json* member(const std::string&) const override { return &element_; }

 private:
  const json& element_;
};

bool nested_holds(const Node::Nested& nested, const Record& record) {
  const auto elements = values_of(record, nested.list);
  return std::any_of(elements.begin(), elements.end(), [&](const json* element) {
    const Element one(*element);
    return std::all_of(nested.filters.begin(), nested.filters.end(),
                       [&](const Filter& filter) { return holds(filter, values_of(one, filter.property)); });
  });
}

bool node_holds(const Node& node, const Record& record) {
  const auto decided = [&](bool holds_here) { return holds_here != node.all; };
  for (const Filter& filter : node.filters) {
    if (decided(holds(filter, values_of(record, filter.property)))) return !node.all;
  }
  for (const auto& nested : node.nested) {
    if (decided(nested_holds(nested, record))) return !node.all;
  }
  for (const Node& inner : node.inner) {
    if (decided(node_holds(inner, record))) return !node.all;
  }
  return node.all;
}

template <class T>
using Compiled = tl::expected<T, std::string>;

template <class... Args>
tl::unexpected<std::string> refuse(fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected(fmt::format(format, std::forward<Args>(args)...));
}

class Compiler {
 public:
  Compiled<Node> node(const json& expression) {
    Node made;
    made.all = expression.value("Operator", "And") == "And";
    const auto list = [&](const char* name) { return expression.value(name, json::array()); };
    for (const json& given : list("Filters")) {
      auto one = filter(given, nullptr);
      if (!one) return tl::unexpected(std::move(one.error()));
      made.filters.push_back(std::move(*one));
    }
    for (const json& given : list("NestedFilters")) {
      auto one = nested(given);
      if (!one) return tl::unexpected(std::move(one.error()));
      made.nested.push_back(std::move(*one));
    }
    for (const json& given : list("SubExpressions")) {
      elements_ += 1;
      auto one = node(given);
      if (!one) return one;
      made.inner.push_back(std::move(*one));
    }
    if (made.filters.empty() && made.nested.empty() && made.inner.empty())
      return refuse("SearchExpression must have at least one of Filters, NestedFilters and SubExpressions.");
    if (elements_ > kMaxElements)
      return refuse("SearchExpression must have {} elements at most, with all that it holds.", kMaxElements);
    return made;
  }

 private:
  static Compiled<Property> property(const std::string& name) {
    auto found = find_property(name);
    if (!found) return refuse("'{}' is not a property of training jobs that can be searched.", name);
    return std::move(*found);
  }

  // `list`: the filter speaks of its elements, by the whole name of a property or by what follows the list's.
  static Compiled<Property> property_of_element(const std::string& name, const Property& list) {
    const std::string prefix = list.name + '.';
    const std::string inner = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
    // Tags.Key means the member here, not the tag of that name.
    if (list.member == "Tags") {
      if (inner == "Key" || inner == "Value") return Property{name, Type::text, "", {inner}, {}};
      return refuse("A filter of the elements of Tags is Tags.Key or Tags.Value, not '{}'.", name);
    }
    auto found = find_property(prefix + inner);
    if (!found) return refuse("NestedFilters of {}: '{}' is not a property of its elements.", list.name, name);
    found->path.erase(found->path.begin(), found->path.begin() + static_cast<std::ptrdiff_t>(list.path.size()));
    return std::move(*found);
  }

  Compiled<Filter> filter(const json& given, const Property* list) {
    elements_ += 1;
    const std::string name = given.at("Name");
    auto meant = list ? property_of_element(name, *list) : property(name);
    if (!meant) return tl::unexpected(std::move(meant.error()));
    auto made = compile_filter(given, std::move(*meant));
    if (made && made->op == Operator::contains && ++contains_ > kMaxContains)
      return refuse("'CONTAINS' operator usage limit of {} exceeded.", kMaxContains);
    return made;
  }

  Compiled<Node::Nested> nested(const json& given) {
    elements_ += 1;
    const std::string name = given.at("NestedPropertyName");
    if (!is_list_of_structures(name))
      return refuse("NestedPropertyName '{}' is not a list of structures of training jobs.", name);
    auto list = property(name);
    if (!list) return tl::unexpected(std::move(list.error()));
    list->type = Type::text;  // its elements one by one, not the list
    Node::Nested made{std::move(*list), {}};
    for (const json& element : given.at("Filters")) {
      auto one = filter(element, &made.list);
      if (!one) return tl::unexpected(std::move(one.error()));
      made.filters.push_back(std::move(*one));
    }
    return made;
  }

  std::size_t elements_ = 0;
  int contains_ = 0;
};

}  // namespace

tl::expected<Expression, std::string> Expression::compile(const json& expression) {
  auto node = Compiler().node(expression);
  if (!node) return tl::unexpected(std::move(node.error()));
  return Expression(std::make_unique<Node>(std::move(*node)));
}

Expression::Expression(std::unique_ptr<Node> root) : root_(std::move(root)) {}
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

bool Expression::matches(const Record& record) const { return node_holds(*root_, record); }

}  // namespace holdfast::api::search
