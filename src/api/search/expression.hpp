// Search's filter language, pure: from a SearchExpression to an answer for one record.
//
//   expression  = (filter | nested | expression)+, joined by Operator (And unless Or is said)
//   filter      = property, operator (Equals unless said), value
//   nested      = a list of structures, and filters that all hold for one and the same element of it
//
// A property that goes through a list has many values: a filter holds when one of them does. NotEquals and NotExists
// are the opposites of Equals and Exists, so they hold for a record that lacks the property.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "api/search/property.hpp"

namespace holdfast::api::search {

constexpr std::size_t kMaxElements = 50;  // of an expression, with all that it holds
constexpr int kMaxContains = 1;

// What is searched, member by member: only those that an expression names are asked for.
class Record {
 public:
  virtual ~Record() = default;
  // Null: the record has no such member. Valid as long as the record.
  virtual const nlohmann::json* member(const std::string& name) const = 0;
};

// All values of a property in a record: strings, numbers (times as seconds since 1970), booleans, structures.
std::vector<const nlohmann::json*> values_of(const Record& record, const Property& property);

class Expression {
 public:
  // `expression` passed the rules of its fields. The error is the message of the first rule that is broken: an unknown
  // property, an operator that its type does not have, a value that is not of its type, too many elements.
  static tl::expected<Expression, std::string> compile(const nlohmann::json& expression);
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  ~Expression();

  bool matches(const Record& record) const;

  struct Node;

 private:
  explicit Expression(std::unique_ptr<Node> root);
  std::unique_ptr<Node> root_;
};

// Seconds since 1970 of "2026-11-23T09:35:06", in UTC, with or without fraction and Z.
std::optional<double> read_time(const std::string& text);

}  // namespace holdfast::api::search
