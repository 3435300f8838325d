#include "metrics/expression.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace holdfast::metrics {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

// sum = product {(+|-) product}; product = factor {(*|/) factor}; factor = {-} (number | id | "(" sum ")")
class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view text) : text_(text) {}

  Result<Expression> whole() {
    sum(0);
    skip_blanks();
    if (!why_ && at_ < text_.size()) refuse(fmt::format("'{}' at character {} is not expected", text_[at_], at_ + 1));
    if (!why_ && made_.ids_.empty()) refuse("it speaks of no other query's Id");
    if (why_) return fail(Kind::invalid, "the expression '{}' is not understood: {}", text_, *why_);
    return std::move(made_);
  }

 private:
  using Operator = Expression::Operator;

  void refuse(std::string why) {
    if (!why_) why_ = std::move(why);
    at_ = text_.size();
  }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  char next() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  void sum(int depth) {
    product(depth);
    for (char c = next(); c == '+' || c == '-'; c = next()) {
      ++at_;
      product(depth);
      made_.terms_.emplace_back(c == '+' ? Operator::add : Operator::subtract);
    }
  }
  void product(int depth) {
    factor(depth);
    for (char c = next(); c == '*' || c == '/'; c = next()) {
      ++at_;
      factor(depth);
      made_.terms_.emplace_back(c == '*' ? Operator::multiply : Operator::divide);
    }
  }
  void factor(int depth) {
    std::size_t minuses = 0;
    for (; next() == '-'; ++minuses) ++at_;
    const char c = next();
    if (c == '(') {
      parentheses(depth);
    } else if (is_digit(c) || c == '.') {
      number();
    } else if (is_letter(c)) {
      id();
    } else {
      refuse(c == '\0' ? "it ends too early" : fmt::format("'{}' at character {} is not expected", c, at_ + 1));
    }
    if (minuses % 2 == 1) made_.terms_.emplace_back(Operator::negate);
  }
  void parentheses(int depth) {
    if (depth == kMaxParentheses) return refuse(fmt::format("more than {} parentheses within each other", depth));
    ++at_;
    sum(depth + 1);
    if (next() != ')') return refuse("a closing parenthesis is missing");
    ++at_;
  }
  void number() {
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc{}) return refuse("a number is not one");
    at_ = static_cast<std::size_t>(end - text_.data());
    made_.terms_.emplace_back(value);
  }
  void id() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    const std::string name(text_.substr(begin, at_ - begin));
    if (next() == '(' || name == "SELECT") {
      return refuse(
          fmt::format("{} is not supported here: only + - * / on Ids, numbers and parentheses are. Ask for the "
                      "metrics themselves and work on their values",
                      name));
    }
    auto& ids = made_.ids_;
    const auto known = std::find(ids.begin(), ids.end(), name);
    made_.terms_.emplace_back(static_cast<std::size_t>(known - ids.begin()));
    if (known == ids.end()) ids.push_back(name);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::string> why_;
  Expression made_;
};

Result<Expression> Expression::parse(std::string_view text) {
  if (text.size() > kMaxExpression)
    return fail(Kind::invalid, "an expression has at most {} characters", kMaxExpression);
  return ExpressionParser(text).whole();
}

double Expression::value_of(const std::vector<double>& operands) const {
  std::vector<double> stack;
  const auto pop = [&] {
    const double value = stack.back();
    stack.pop_back();
    return value;
  };
  for (const auto& term : terms_) {
    if (const auto* number = std::get_if<double>(&term)) {
      stack.push_back(*number);
      continue;
    }
    if (const auto* id = std::get_if<std::size_t>(&term)) {
      stack.push_back(operands[*id]);
      continue;
    }
    const auto operation = std::get<Operator>(term);
    const double right = pop();
    if (operation == Operator::negate) {
      stack.push_back(-right);
      continue;
    }
    const double left = pop();
    stack.push_back(operation == Operator::add        ? left + right
                    : operation == Operator::subtract ? left - right
                    : operation == Operator::multiply ? left * right
                                                      : left / right);
  }
  return stack.back();
}

Series Expression::evaluate(const std::map<std::string, const Series*>& series) const {
  Series result;
  std::vector<double> operands(ids_.size());
  for (const auto& [at, value] : *series.at(ids_[0])) {
    bool everywhere = true;
    for (std::size_t i = 0; i < ids_.size() && everywhere; ++i) {
      const auto& other = *series.at(ids_[i]);
      const auto found = other.find(at);
      everywhere = found != other.end();
      if (everywhere) operands[i] = found->second;
    }
    if (!everywhere) continue;
    const double made = value_of(operands);
    if (std::isfinite(made)) result.emplace(at, made);
  }
  return result;
}

}  // namespace holdfast::metrics
