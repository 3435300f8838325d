#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/rules.hpp"
#include "api/shapes/common.hpp"

namespace holdfast::api {
namespace {

using nlohmann::json;

std::string refusal(const json& value, const ShapePtr& rule) {
  const auto result = validate(value, *rule);
  return result ? "" : result.error().code + ": " + result.error().message;
}

// One member, "Value", of the given shape.
ShapePtr holding(ShapePtr value, bool required = false) {
  return shape(Structure{{{"Value", std::move(value), required}}});
}
std::string refusal_of(const json& value, ShapePtr rule) {
  return refusal({{"Value", value}}, holding(std::move(rule)));
}
std::string one(const std::string& violation) {
  return "ValidationException: 1 validation error detected: " + violation;
}
std::string broken(const std::string& echoed, const std::string& path, const std::string& constraint) {
  return one("Value '" + echoed + "' at '" + path + "' failed to satisfy constraint: " + constraint);
}

TEST_CASE("lengths count characters, and both ends of a range are allowed") {
  const auto rule = shape(String{.min = 2, .max = 3});
  CHECK(refusal_of("ab", rule) == "");
  CHECK(refusal_of("\u00e4\U0001F600\u4e2d", rule) == "");
  CHECK(refusal_of("\u00e4", rule) == broken("\u00e4", "value", "Member must have length greater than or equal to 2"));
  CHECK(refusal_of("abcd", rule) == broken("abcd", "value", "Member must have length less than or equal to 3"));
}

TEST_CASE("numbers have ranges, and both ends are allowed") {
  const auto rule = shape(Integer{.min = 1, .max = 30});
  CHECK(refusal_of(1, rule) == "");
  CHECK(refusal_of(30, rule) == "");
  CHECK(refusal_of(0, rule) == broken("0", "value", "Member must have value greater than or equal to 1"));
  CHECK(refusal_of(31, rule) == broken("31", "value", "Member must have value less than or equal to 30"));
  CHECK(refusal_of(-1, shape(Long{.min = 0})) ==
        broken("-1", "value", "Member must have value greater than or equal to 0"));
  CHECK(refusal_of(1.5, shape(Float{.max = 1.25})) ==
        broken("1.5", "value", "Member must have value less than or equal to 1.25"));
}

TEST_CASE("a value outside an enum is told the whole set, and other values may be accepted by their form") {
  CHECK(refusal_of("c", shapes::one_of({"a", "b"})) ==
        broken("c", "value", "Member must satisfy enum value set: [a, b]"));
  const auto open = shape(String{.values = {"a"}, .other_values = Pattern("x[0-9]")});
  CHECK(refusal_of("x7", open) == "");
  CHECK(refusal_of("x77", open) == broken("x77", "value", "Member must satisfy enum value set: [a]"));
}

TEST_CASE("a pattern must match the whole value, with or without anchors") {
  CHECK(refusal_of("a-1", shapes::name(63)) == "");
  const auto digits = shape(String{.pattern = Pattern("[0-9]+")});
  CHECK(refusal_of("12x", digits) == broken("12x", "value", "Member must satisfy regular expression pattern: [0-9]+"));
  CHECK(refusal_of("", shapes::line(5)) == "");
  for (const char* breaking : {"a\nb", "a\rb", "a\u0085b", "a\u2028b", "a\u2029b", "a\n"}) {
    CHECK_MESSAGE(refusal_of(breaking, shapes::line(5)) != "", breaking);
  }
}

TEST_CASE("an algorithm's name must not end in a hyphen, which SageMaker says with a look-behind") {
  const std::string ends = refusal_of("name-", shapes::arn_or_name());
  CHECK(ends.find("(?<!-)$") != std::string::npos);
  CHECK(refusal_of("a--b", shapes::arn_or_name()) == "");
  CHECK(refusal_of("arn:aws:sagemaker:us-east-1:123456789012:algorithm/x", shapes::arn_or_name()) == "");
  CHECK(refusal_of(std::string(63, 'a'), shapes::arn_or_name()) == "");
  CHECK(refusal_of(std::string(64, 'a'), shapes::arn_or_name()) != "");
}

TEST_CASE("all violations are told at once, in the order of the declaration") {
  const auto rule = shape(Structure{{
      {"Zeta", shape(String{.max = 1, .pattern = Pattern("[0-9]+")})},
      {"Alpha", shape(Integer{.min = 1})},
      {"Needed", shape(Boolean{}), kRequired},
  }});
  CHECK(refusal({{"Zeta", "ab"}, {"Alpha", 0}}, rule) ==
        "ValidationException: 4 validation errors detected: "
        "Value 'ab' at 'zeta' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9]+; "
        "Value 'ab' at 'zeta' failed to satisfy constraint: Member must have length less than or equal to 1; "
        "Value '0' at 'alpha' failed to satisfy constraint: Member must have value greater than or equal to 1; "
        "Value null at 'needed' failed to satisfy constraint: Member must not be null");
}

TEST_CASE("a null member counts as absent, a null element does not") {
  CHECK(refusal({{"Value", nullptr}, {"Other", nullptr}}, holding(shapes::boolean())) == "");
  CHECK(refusal({{"Value", nullptr}}, holding(shapes::boolean(), kRequired)) ==
        one("Value null at 'value' failed to satisfy constraint: Member must not be null"));
  CHECK(refusal_of({1, nullptr}, shape(List{.element = shape(Integer{})})) ==
        one("Value null at 'value.2.member' failed to satisfy constraint: Member must not be null"));
  CHECK(refusal_of({{"k", nullptr}}, shape(Map{.value = shapes::line(9)})) ==
        one("Value null at 'value.k.member' failed to satisfy constraint: Member must not be null"));
}

TEST_CASE("elements of lists are counted from one") {
  const auto channel = shape(Structure{{{"ChannelName", shape(String{.min = 1})}}});
  CHECK(refusal({{"InputDataConfig", {{{"ChannelName", "a"}}, {{"ChannelName", ""}}}}},
                shape(Structure{{{"InputDataConfig", shape(List{.element = channel})}}})) ==
        broken("", "inputDataConfig.2.member.channelName", "Member must have length greater than or equal to 1"));
  CHECK(refusal_of(json::array(), shape(List{.min = 1, .element = channel})) ==
        broken("[]", "value", "Member must have length greater than or equal to 1"));
}

TEST_CASE("maps are echoed as Java prints them, with every constraint of their values or keys") {
  const auto rule = shape(Map{.max = 2,
                              .key = {.max = 3, .pattern = Pattern("[a-z]*")},
                              .value = shape(String{.max = 2, .pattern = shapes::any_line()})});
  CHECK(refusal_of({{"k", "v"}, {"l", "w"}}, rule) == "");
  CHECK(refusal_of({{"k", "vvv"}, {"l", "w"}}, rule) ==
        broken("{k=vvv, l=w}", "value",
               "Map value must satisfy constraint: [Member must have length less than or equal to 2, Member must have "
               "length greater than or equal to 0, Member must satisfy regular expression pattern: .*]"));
  CHECK(refusal_of({{"K", "v"}}, rule) ==
        broken("{K=v}", "value",
               "Map keys must satisfy constraint: [Member must have length less than or equal to 3, Member must have "
               "length greater than or equal to 0, Member must satisfy regular expression pattern: [a-z]*]"));
  CHECK(refusal_of({{"k", "v"}, {"l", "w"}, {"m", "x"}}, rule) ==
        broken("{k=v, l=w, m=x}", "value", "Member must have length less than or equal to 2"));
}

TEST_CASE("of a map too long to be shown only the wrong entries are") {
  json map = json::object();
  for (int i = 0; i < 50; ++i) map["key" + std::to_string(100 + i)] = "a good value";
  map["z"] = "bad\nvalue";
  const std::string message = refusal_of(map, shape(Map{.value = shapes::line(99)}));
  CHECK(message.find("Value '{z=bad\nvalue}' at 'value'") != std::string::npos);
}

TEST_CASE("an unknown member is refused, with the member that was probably meant") {
  const auto inner = shape(Structure{{{"InstanceType", shapes::line(9)}, {"VolumeSizeInGB", shape(Integer{})}}});
  const auto rule = shape(Structure{{{"ResourceConfig", inner}}});
  const auto unknown = [&rule](const char* member) { return refusal({{"ResourceConfig", {{member, 1}}}}, rule); };
  CHECK(unknown("instancetype") ==
        one("Unknown member 'instancetype' at 'resourceConfig.instancetype': did you mean 'InstanceType'?"));
  CHECK(unknown("InstanceTyp") ==
        one("Unknown member 'InstanceTyp' at 'resourceConfig.instanceTyp': did you mean 'InstanceType'?"));
  CHECK(unknown("VolumeSizeInnGB") ==
        one("Unknown member 'VolumeSizeInnGB' at 'resourceConfig.volumeSizeInnGB': did you mean 'VolumeSizeInGB'?"));
  CHECK(unknown("VolumeSizeInMB").ends_with("did you mean 'VolumeSizeInGB'?"));
  CHECK(unknown("Colour") == one("Unknown member 'Colour' at 'resourceConfig.colour'"));
  CHECK(refusal({{"Resource", {}}, {"Other", 1}}, rule) == one("Unknown member 'Other' at 'other'"));
  CHECK(unknown("") == one("Unknown member '' at 'resourceConfig.'"));
}

TEST_CASE("an unsupported member is refused with advice, an opaque one passes as it is") {
  CHECK(refusal_of(1, shapes::unsupported("leave it out.")) == one("'value' is not supported: leave it out."));
  const auto off = shapes::unsupported("leave it out.", {"{}", R"({"On":false})"});
  CHECK(refusal_of({{"On", false}}, off) == "");
  CHECK(refusal_of({{"On", true}}, off) == one("'value' is not supported: leave it out."));
  CHECK(refusal_of({{"anything", {1, "x"}}}, shape(Opaque{})) == "");
}

TEST_CASE("what is quoted is bounded, whole characters only, and never breaks the JSON of the answer") {
  std::string long_value;
  for (int i = 0; i < 1000; ++i) long_value += "\u4e2d";
  const auto refused = validate({{"Value", long_value}}, *holding(shape(String{.max = 9})));
  REQUIRE(!refused);
  CHECK(refused.error().message.size() < 3 * kMaxEchoedCharacters + 200);
  CHECK(refused.error().message.find("\u4e2d...' at 'value'") != std::string::npos);
  const auto quoted = validate({{"Value", "\"\\\n\u0001'"}}, *holding(shape(String{.max = 1})));
  REQUIRE(!quoted);
  CHECK(json::parse(to_json(quoted.error()))["message"] == quoted.error().message);
  CHECK(json::parse(to_json(validation("\xff")))["__type"] == "ValidationException");
}

TEST_CASE("a request with endless mistakes is answered with a bounded list of them") {
  json many = json::array();
  for (int i = 0; i < 1000; ++i) many.push_back("");
  CHECK(check({{"Value", many}}, *holding(shape(List{.element = shape(String{.min = 1})}))).size() == kMaxViolations);
}

}  // namespace
}  // namespace holdfast::api
