#include "metrics/expression.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::metrics;

namespace {

Series at_times(std::initializer_list<std::pair<int, double>> points) {
  Series series;
  for (const auto& [second, value] : points) series[from_ms(second * 1000)] = value;
  return series;
}

// With m1 = 6, m2 = 3 and m3 = 0 at one instant.
double value(const char* text) {
  const auto expression = Expression::parse(text);
  REQUIRE_MESSAGE(expression, text);
  const auto m1 = at_times({{1, 6}}), m2 = at_times({{1, 3}}), m3 = at_times({{1, 0}});
  const auto series = expression->evaluate({{"m1", &m1}, {"m2", &m2}, {"m3", &m3}});
  return series.empty() ? -12345 : series.begin()->second;
}

}  // namespace

TEST_CASE("arithmetic with its precedence") {
  CHECK(value("m1") == 6);
  CHECK(value("m1+m2") == 9);
  CHECK(value("m1 - m2 - 1") == 2);
  CHECK(value("m1/m2/2") == 1);
  CHECK(value("1 + m1 * m2") == 19);
  CHECK(value("(1 + m1) * m2") == 21);
  CHECK(value("-m1 + 10") == 4);
  CHECK(value("--m1") == 6);
  CHECK(value("m1*-2") == -12);
  CHECK(value("100*(m1/(m1+m2))") == doctest::Approx(200.0 / 3));
  CHECK(value(".5*m1 + 1e1") == 13);
}

TEST_CASE("where there is no number there is no value") {
  CHECK(value("m1/m3") == -12345);
  CHECK(value("m3/m3") == -12345);
}

TEST_CASE("a value needs all of its operands") {
  const auto a = at_times({{1, 1}, {2, 2}, {3, 3}}), b = at_times({{2, 20}, {3, 30}, {4, 40}});
  CHECK(Expression::parse("a+b")->evaluate({{"a", &a}, {"b", &b}}) == at_times({{2, 22}, {3, 33}}));
  CHECK(Expression::parse("a+b+a")->ids() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what is not understood is refused, and says why") {
  for (const char* text : {"", "m1 +", "m1 m2", "(m1", "m1)", "m1 ++ m2", "1 + 2", "m1 & m2", "SUM(METRICS())",
                           "m1 > 2", "1e999*m1", "'a'", "m1^2", "SELECT AVG(x) FROM y"}) {
    CAPTURE(text);
    const auto parsed = Expression::parse(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().kind == Kind::invalid);
  }
  CHECK(Expression::parse("METRICS()").error().message.find("METRICS is not supported") != std::string::npos);
}

TEST_CASE("parentheses and length are bounded") {
  const auto nested = [](std::size_t count) { return std::string(count, '(') + "m1" + std::string(count, ')'); };
  CHECK(Expression::parse(nested(kMaxParentheses)));
  CHECK(!Expression::parse(nested(kMaxParentheses + 1)));
  CHECK(!Expression::parse(std::string(kMaxExpression, ' ') + "m1"));
  CHECK(Expression::parse(std::string(kMaxExpression - 2, '-') + "m1"));
}
