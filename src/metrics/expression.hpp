// Metric math as far as it is plain arithmetic: + - * / on the ids of other queries, numbers and parentheses.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace holdfast::metrics {

constexpr std::size_t kMaxExpression = 2048;  // characters
constexpr int kMaxParentheses = 64;           // within each other

using Series = std::map<Instant, double>;

class Expression {
 public:
  // Kind::invalid: not such an expression; the message says where, and what to write instead of a function.
  static Result<Expression> parse(std::string_view text);

  // The ids that it speaks of, each once.
  const std::vector<std::string>& ids() const { return ids_; }
  // A value for each instant at which all of ids() have one; what is no number then (a division by 0) is left out.
  // `series` holds all of ids().
  Series evaluate(const std::map<std::string, const Series*>& series) const;

 private:
  friend class ExpressionParser;
  enum class Operator { add, subtract, multiply, divide, negate };
  using Term = std::variant<double, std::size_t, Operator>;  // a number, an index into ids_, an operator

  double value_of(const std::vector<double>& operands) const;

  std::vector<std::string> ids_;
  std::vector<Term> terms_;  // postfix
};

}  // namespace holdfast::metrics
