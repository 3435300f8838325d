#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "api/rules.hpp"
#include "api/shapes/common.hpp"

namespace holdfast::api {
namespace {

using nlohmann::json;

std::string refusal(const json& value, const ShapePtr& rule) {
  const auto result =
      validate({{"Outer", {{"Value", value}}}}, *shape(Structure{{{"Outer", shape(Structure{{{"Value", rule}}})}}}));
  return result ? "" : result.error().code + ": " + result.error().message;
}

TEST_CASE("a wrong JSON type is a SerializationException that names the member, before any constraint") {
  const std::string at = " at 'outer.value', found ";
  CHECK(refusal(1, shapes::line(9)) == "SerializationException: Expected a string" + at + "number.");
  CHECK(refusal("1", shape(Integer{})) == "SerializationException: Expected an integer" + at + "string.");
  CHECK(refusal(1.0, shape(Integer{})) ==
        "SerializationException: Expected an integer" + at + "number with a fraction or exponent.");
  CHECK(refusal("true", shapes::boolean()) == "SerializationException: Expected a boolean" + at + "string.");
  CHECK(refusal("1", shape(Float{})) == "SerializationException: Expected a number" + at + "string.");
  CHECK(refusal("now", shapes::timestamp()) ==
        "SerializationException: Expected a timestamp (seconds since 1970 as a number)" + at + "string.");
  CHECK(refusal(json::object(), shape(List{.element = shapes::boolean()})) ==
        "SerializationException: Expected a list" + at + "object.");
  CHECK(refusal(json::array(), shape(Map{.value = shapes::boolean()})) ==
        "SerializationException: Expected a map" + at + "array.");
  CHECK(refusal(json::array(), shape(Structure{})) == "SerializationException: Expected a structure" + at + "array.");
}

TEST_CASE("types are checked at every depth, and a wrong type hides a broken constraint") {
  const auto rule = shape(Structure{{
      {"First", shape(Integer{.min = 1})},
      {"List", shape(List{.element = shape(Structure{{{"Name", shapes::line(9)}}})})},
      {"Map", shape(Map{.value = shapes::line(9)})},
  }});
  CHECK(refusal({{"First", 0}, {"List", {{{"Name", "a"}}, {{"Name", true}}}}}, rule) ==
        "SerializationException: Expected a string at 'outer.value.list.2.member.name', found boolean.");
  CHECK(refusal({{"Map", {{"lr", 0.1}}}}, rule) ==
        "SerializationException: Expected a string at 'outer.value.map.lr', found number with a fraction or exponent.");
}

TEST_CASE("numbers that their type cannot hold are refused") {
  const auto integer = shape(Integer{});
  CHECK(refusal(2147483647, integer) == "");
  CHECK(refusal(-2147483648LL, integer) == "");
  CHECK(refusal(2147483648LL, integer) ==
        "SerializationException: The number 2147483648 at 'outer.value' is out of range.");
  CHECK(refusal(-2147483649LL, integer) != "");
  CHECK(refusal(std::numeric_limits<std::int64_t>::max(), shape(Long{})) == "");
  CHECK(refusal(std::numeric_limits<std::int64_t>::min(), shape(Long{})) == "");
  CHECK(refusal(std::numeric_limits<std::uint64_t>::max(), shape(Long{})) != "");
  CHECK(refusal(1577836800.25, shapes::timestamp()) == "");
  CHECK(refusal(1e300, shapes::timestamp()) != "");
}

std::string parse_refusal(const std::string& body) {
  const auto parsed = parse_body(body);
  return parsed ? "" : parsed.error().code + ": " + parsed.error().message;
}

TEST_CASE("a body is a JSON object in UTF-8, and anything else is a SerializationException") {
  CHECK(parse_body(R"({"a":[1,"\u00e4"]})").value() == json{{"a", {1, "\u00e4"}}});
  // Numbers keep their kinds, and the last of two members of one name stands.
  const auto numbers =
      parse_body(R"({"a":1,"b":-1,"c":1.0,"d":18446744073709551615,"e":18446744073709551616,"a":2})").value();
  CHECK(numbers == json::parse(R"({"a":2,"b":-1,"c":1.0,"d":18446744073709551615,"e":18446744073709551616})"));
  CHECK(numbers["a"].is_number_unsigned());
  CHECK(numbers["b"].is_number_integer());
  CHECK(numbers["c"].is_number_float());
  CHECK(numbers["e"].is_number_float());
  CHECK(parse_body(R"({"a":"\u0000","b":{},"c":[[]],"d":null,"e":true})").value() ==
        json{{"a", std::string(1, '\0')}, {"b", json::object()}, {"c", {json::array()}}, {"d", nullptr}, {"e", true}});
  CHECK(parse_refusal("") == "SerializationException: The request body is not valid JSON in UTF-8 (at byte 1).");
  CHECK(parse_refusal("[]") == "SerializationException: The request body is not a JSON object.");
  CHECK(parse_refusal(R"({"a":1e999})") ==
        "SerializationException: The request body holds a number that is too large.");
  for (const char* malformed : {"{", R"({"a":})", R"({"a":1,})", "{} {}", "{\"a\":\"\xff\"}", "{\"a\":\"\xc3\"}",
                                R"({"a":"\ud800"})", R"({"a":"\udc00"})", R"({"a":"\ud800\ud800"})", R"({"\udc00":1})",
                                "{'a':1}", R"({"a":01})", R"({"a":+1})", R"({"a":NaN})", "{\"a\":\"x\ny\"}"}) {
    CHECK_MESSAGE(parse_refusal(malformed).starts_with("SerializationException: "), malformed);
  }
}

TEST_CASE("a body has a limit on its depth and on its size") {
  const auto nested = [](int levels) {
    const auto inner = static_cast<std::size_t>(levels - 1);
    return R"({"a":)" + std::string(inner, '[') + "1" + std::string(inner, ']') + "}";
  };
  CHECK(parse_refusal(nested(kMaxJsonDepth)) == "");
  CHECK(parse_refusal(nested(kMaxJsonDepth + 1)) ==
        "SerializationException: The request body is nested deeper than 32 levels.");
  CHECK(parse_refusal(nested(1000000)).starts_with("SerializationException: "));
  const std::string padding(kMaxBodyBytes - 2, ' ');
  CHECK(parse_refusal("{" + padding + "}") == "");
  CHECK(parse_refusal("{ " + padding + "}") ==
        "RequestEntityTooLargeException: The request body is larger than 8388608 bytes.");
}

}  // namespace
}  // namespace holdfast::api
