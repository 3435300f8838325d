#include <doctest/doctest.h>

#include "cli/text.hpp"

using namespace holdfast;
using namespace holdfast::cli;

TEST_CASE("durations are read with units, several of them, or as bare seconds") {
  CHECK(parse_duration("90s").value() == seconds{90});
  CHECK(parse_duration("15m").value() == minutes{15});
  CHECK(parse_duration("2h").value() == hours{2});
  CHECK(parse_duration("1h30m").value() == minutes{90});
  CHECK(parse_duration("28d").value() == hours{28 * 24});
  CHECK(parse_duration("45").value() == seconds{45});
}

TEST_CASE("a duration that says nothing, too much or something else is refused with its text") {
  for (const char* wrong : {"", "0", "0s", "-5s", "h", "5x", "1h30", "1.5h", "29d", "99999999999999999999s", "1 h"}) {
    CAPTURE(wrong);
    const auto parsed = parse_duration(wrong);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().kind == Kind::invalid);
    CHECK(parsed.error().message.find("'" + std::string{wrong} + "'") != std::string::npos);
  }
}

TEST_CASE("durations print with their two largest units") {
  CHECK(readable(Duration{340}) == "340ms");
  CHECK(readable(Duration{-5}) == "0ms");
  CHECK(readable(Duration{12'900}) == "12s");
  CHECK(readable(Duration{123'000}) == "2m 03s");
  CHECK(readable(Duration{minutes{65}}) == "1h 05m");
  CHECK(readable(Duration{hours{49}}) == "2d 01h");
}

TEST_CASE("times print as the SageMaker SDK prints them") {
  CHECK(readable(from_ms(1700000000123)) == "2023-11-14 22:13:20");
}

TEST_CASE("a table is as wide as its widest cells, without blanks at the end") {
  CHECK(render_table({{"NAME", "AGE"}, {"a-long-name", "5s"}, {"b", ""}}) == "NAME         AGE\na-long-name  5s\nb\n");
  CHECK(render_table({}).empty());
}

TEST_CASE("a place in S3 is a bucket and a key that may be empty") {
  CHECK(parse_s3_place("s3://b/p/q").value().bucket == "b");
  CHECK(parse_s3_place("s3://b/p/q").value().key == "p/q");
  CHECK(parse_s3_place("s3://b").value().key.empty());
  CHECK_FALSE(parse_s3_place("s3://").has_value());
  CHECK_FALSE(parse_s3_place("b/p").has_value());
}
