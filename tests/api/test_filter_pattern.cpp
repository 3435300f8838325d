#include <doctest/doctest.h>

#include <vector>

#include "api/filter_pattern.hpp"

using holdfast::api::FilterPattern;

namespace {

bool matches(std::string_view pattern, std::string_view message) {
  const auto parsed = FilterPattern::parse(pattern);
  REQUIRE_MESSAGE(parsed, pattern << ": " << (parsed ? "" : parsed.error()));
  return parsed->matches(message);
}

struct Row {
  const char* pattern;
  const char* message;
  bool expected;
};

void check(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.pattern);
    CAPTURE(row.message);
    CHECK(matches(row.pattern, row.message) == row.expected);
  }
}

}  // namespace

TEST_CASE("terms: all of the plain ones, none of the excluded ones, one of the alternatives") {
  check({
      {"", "anything", true},
      {"  ", "", true},
      {"ERROR", "an ERROR here", true},
      {"ERROR", "[ERROR:400]", true},
      {"ERROR", "an error here", false},
      {"ERROR memory", "memory ERROR", true},
      {"ERROR memory", "ERROR", false},
      {"\"out of memory\"", "it is out of memory", true},
      {"\"out of memory\"", "memory is out", false},
      {"\"say \\\"x\\\"\"", "they say \"x\"", true},
      {"ERROR -Exiting", "ERROR now", true},
      {"ERROR -Exiting", "ERROR Exiting", false},
      {"-\"two words\"", "two words", false},
      {"-\"two words\"", "words two", true},
      {"?ERROR ?WARN", "WARN x", true},
      {"?ERROR ?\"bad thing\"", "a bad thing", true},
      {"?ERROR ?WARN", "INFO x", false},
      {"step ?ERROR ?WARN", "WARN at step 5", true},
      {"step ?ERROR ?WARN", "step 5", false},
      {"loss=0.5", "epoch 3 loss=0.5", true},
      {"käse", "der käse", true},
      {"\"\"", "anything", true},
      {"\"\"", "", true},
      {"-\"\"", "anything", false},
  });
}

TEST_CASE("JSON: members compared as numbers or as text") {
  const char* message =
      R"({"a": {"b": "xyz"}, "n": 4, "f": 0.25, "s": "404", "t": true, "z": null, "l": [1, "two", {"m": 3}], "d-e": 1})";
  const std::vector<std::pair<const char*, bool>> rows = {
      {R"({ $.a.b = "xyz" })", true},
      {R"({$.a.b="xyz"})", true},
      {R"({ $.a.b = xyz })", true},
      {R"({ $.a.b = "x*" })", true},
      {R"({ $.a.b = "*y*" })", true},
      {R"({ $.a.b = "*z" })", true},
      {R"({ $.a.b = "y*" })", false},
      {R"({ $.a.b = "XYZ" })", false},
      {R"({ $.a.b != "x" })", true},
      {R"({ $.a.b != "xyz" })", false},
      {R"({ $.none != "xyz" })", false},
      {R"({ $.n = 4 })", true},
      {R"({ $.n = 4.0 })", true},
      {R"({ $.n = "4" })", true},
      {R"({ $.n != 4 })", false},
      {R"({ $.n > 3 })", true},
      {R"({ $.n > 4 })", false},
      {R"({ $.n >= 4 })", true},
      {R"({ $.n < 4 })", false},
      {R"({ $.n <= 4 })", true},
      {R"({ $.f < 3e-1 })", true},
      {R"({ $.f > -1 })", true},
      {R"({ $.s = 404 })", true},
      {R"({ $.s >= 400 })", true},
      {R"({ $.s = 4* })", true},
      {R"({ $.n = 4* })", true},
      {R"({ $.a.b > 1 })", false},
      {R"({ $.t IS TRUE })", true},
      {R"({ $.t is false })", false},
      {R"({ $.t = true })", true},
      {R"({ $.z IS NULL })", true},
      {R"({ $.n IS NULL })", false},
      {R"({ $.none IS NULL })", false},
      {R"({ $.none NOT EXISTS })", true},
      {R"({ $.z NOT EXISTS })", false},
      {R"({ $.z EXISTS })", true},
      {R"({ $.l[0] = 1 })", true},
      {R"({ $.l[1] = "two" })", true},
      {R"({ $.l[2].m = 3 })", true},
      {R"({ $.l[3] = 3 })", false},
      {R"({ $.l[*] = "two" })", true},
      {R"({ $.l[*].m = 3 })", true},
      {R"({ $.*.b = "xyz" })", true},
      {R"({ $["a"]["b"] = "xyz" })", true},
      {R"({ $.d-e = 1 })", true},
      {R"({ $.n = 4 && $.t IS TRUE })", true},
      {R"({ $.n = 5 && $.t IS TRUE })", false},
      {R"({ $.n = 5 || $.t IS TRUE })", true},
      {R"({ $.n = 5 || $.t IS TRUE && $.s = 1 })", false},
      {R"({ ($.n = 4 || $.t IS FALSE) && ($.s = 404) })", true},
      {R"({ $.a.b.c = 1 })", false},
      {R"({ $.a = 1 })", false},
  };
  for (const auto& [pattern, expected] : rows) {
    CAPTURE(pattern);
    CHECK(matches(pattern, message) == expected);
  }
  check({
      {"{ $.a = 1 }", "no JSON", false},
      {"{ $.a = 1 }", "{ broken", false},
      {"{ $.a NOT EXISTS }", "no JSON", false},
      {"{ $[1] = 7 }", "[5, 7]", true},
      {"{ $.a = 1 }", "  {\"a\": 1}  ", true},
  });
}

TEST_CASE("columns: counted, and compared where that is asked for") {
  const char* line = R"(127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534)";
  check({
      {"[ip, id, user, time, request, status, size]", line, true},
      {"[ip, id, user, time, request, status]", line, false},
      {"[ip, id, user, time, request, status = 404, size]", line, true},
      {"[ip, id, user, time, request, status=4*, size]", line, true},
      {"[ip, id, user, time, request, status=5*, size]", line, false},
      {"[ip, id, user, time, request = \"GET *\", status, size > 1000]", line, true},
      {"[..., status = 4*, size]", line, true},
      {"[ip, ..., size < 1000]", line, false},
      {"[ip = 127.*, ...]", line, true},
      {"[ip, id, user = frank || user = bob, ...]", line, true},
      {"[ip, id, user != frank && user != bob, ...]", line, false},
      {"[ip, id, (user = frank || user = bob) && user != eve, ...]", line, true},
      {"[..., size >= 1534]", line, true},
      {"[...]", "", true},
      {"[a]", "", false},
      {"[a,b=5xx]", "x 5xx", true},
      {"[,b=1]", "x 1", true},
      {"[time = *2000*, a]", "[in 2000 or so] a", true},
  });
}

TEST_CASE("regular expressions between % are found anywhere in what they are held against") {
  const char* message = R"({"a": {"b": "xyz"}, "status": 404, "t": true, "p": "100%"})";
  const char* line = R"(127.0.0.1 - frank "GET /index.html" 404)";
  check({
      {"%4[0-9]{2}%", "status 404", true},
      {"%4[0-9]{2}%", "status 504x", false},
      {"%^status%", "a status", false},
      {"%two +words% other", "two   words, other", true},
      {"-%4..%", "status 404", false},
      {"?%5..% ?%4..%", "status 404", true},
      {"%a|b% c", "b", false},
      {"%käs.%", "der käse", true},
      {"%[0-9]+\\%%", "at 50%", true},
      {"%[0-9]+\\%%", "at 50", false},
      {"50%", "at 50% and", true},
      {"{ $.a.b = %y.% }", message, true},
      {"{ $.a.b=%^xyz$% }", message, true},
      {"{ $.a.b = %^y% }", message, false},
      {"{ $.a.b != %^y% }", message, true},
      {"{ $.a.b != %y% }", message, false},
      {"{ $.none != %y% }", message, false},
      {"{ $.status = %^4[0-9]{2}$% }", message, true},
      {"{ $.t = %^tr% }", message, true},
      {"{ $.p = %0\\%$% && $.a.b = %(x|q)yz% }", message, true},
      {"{ $.[\"a\"].[\"b\"] = \"xyz\" }", message, true},
      {"{ $.a.[\"b\"] = %x.z% }", message, true},
      {"[ip = %^127\\.0%, ...]", line, true},
      {"[ip = %^128\\.0%, ...]", line, false},
      {"[..., request = %index|[,=]%, status = %^[45]%]", line, true},
      {"[..., status != %^[45]%]", line, false},
  });
}

TEST_CASE("what is no pattern is refused with a sentence") {
  for (const auto* pattern : {"\"open",
                              "-",
                              "?",
                              "%open",
                              "%",
                              "%%",
                              "%(%",
                              "%open\\%",
                              "%(?=ahead)%",
                              "%x{1000}{1000}%",
                              "{ $.a = %open }",
                              "{ $.a = %(% }",
                              "{ $.a > %x% }",
                              "[a = %open]",
                              "{",
                              "{}",
                              "{ $.a }",
                              "{ $.a = }",
                              "{ a = 1 }",
                              "{ $. = 1 }",
                              "{ $.a = 1",
                              "{ $.a = 1 } x",
                              "{ $.a < x }",
                              "{ $.a IS 5 }",
                              "{ $.a NOT 5 }",
                              "{ ($.a = 1 }",
                              "{ $.a = 1 && }",
                              "{ $[x] = 1 }",
                              "{ $[1 = 1 }",
                              "{ $.a = \"x }",
                              "[",
                              "[a",
                              "[a] b",
                              "[a b]",
                              "[..., a, ...]",
                              "[a = 1 && b = 2]",
                              "[a > x]",
                              "[a IS NULL]",
                              "[= 1]"}) {
    CAPTURE(pattern);
    const auto parsed = FilterPattern::parse(pattern);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().ends_with('.'));
  }
}

TEST_CASE("patterns have limits") {
  const auto repeated = [](const char* piece, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += piece;
    return text;
  };
  CHECK(FilterPattern::parse(repeated("a ", 64)));
  CHECK_FALSE(FilterPattern::parse(repeated("a ", 65)));
  CHECK(FilterPattern::parse("{" + repeated("(", 16) + "$.a=1" + repeated(")", 16) + "}"));
  CHECK_FALSE(FilterPattern::parse("{" + repeated("(", 17) + "$.a=1" + repeated(")", 17) + "}"));
  CHECK(FilterPattern::parse("{" + repeated("$.a=1||", 63) + "$.a=1}"));
  CHECK_FALSE(FilterPattern::parse("{" + repeated("$.a=1||", 64) + "$.a=1}"));
  CHECK_FALSE(FilterPattern::parse("[" + repeated("a,", 64) + "a]"));
  CHECK(FilterPattern::parse(repeated("%a% ", 8)));
  CHECK_FALSE(FilterPattern::parse(repeated("%a% ", 9)));
  CHECK(FilterPattern::parse("{" + repeated("$.a=%a%||", 7) + "$.a=%a%}"));
  CHECK_FALSE(FilterPattern::parse("{" + repeated("$.a=%a%||", 8) + "$.a=%a%}"));
  CHECK(FilterPattern::parse("[" + repeated("a=%a%,", 7) + "a=%a%]"));
  CHECK_FALSE(FilterPattern::parse("[" + repeated("a=%a%,", 8) + "a=%a%]"));
}
