// The protocols beside JSON: what their bodies become, and how their answers look.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "api/shapes/cloudwatch.hpp"
#include "api/wire/cbor.hpp"
#include "api/wire/form.hpp"
#include "api/wire/query_errors.hpp"
#include "api/wire/timestamp.hpp"
#include "api/wire/xml_answer.hpp"

using namespace holdfast::api;
using namespace holdfast::api::wire;
using nlohmann::json;
using namespace std::string_literals;

namespace {

json form(const std::string& text, const Shape& shape = shapes::put_metric_data_input()) {
  const auto read = read_form(text, shape);
  REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
  return *read;
}
std::string why_not(const std::string& text, const Shape& shape = shapes::put_metric_data_input()) {
  const auto read = read_form(text, shape);
  REQUIRE(!read);
  CHECK(read.error().code == "SerializationException");
  return read.error().message;
}
json cbor(const std::string& bytes) {
  const auto read = read_cbor(bytes);
  REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
  return *read;
}

}  // namespace

TEST_CASE("a form becomes the structure that its names spell, in the types that the shape declares") {
  CHECK(
      form("Action=PutMetricData&Version=2010-08-01&Namespace=a%2Fb+c"
           "&MetricData.member.1.MetricName=m&MetricData.member.1.Value=-1.5e3&MetricData.member.1.StorageResolution=1"
           "&MetricData.member.1.Dimensions.member.1.Name=x&MetricData.member.1.Dimensions.member.1.Value=%C3%A4"
           "&MetricData.member.1.Values.member.2=2&MetricData.member.1.Values.member.1=1"
           "&MetricData.member.2.MetricName=n&MetricData.member.2.Timestamp=1970-01-01T00:00:01.5Z") ==
      json({{"Namespace", "a/b c"},
            {"MetricData",
             {{{"MetricName", "m"},
               {"Value", -1500.0},
               {"StorageResolution", 1},
               {"Dimensions", {{{"Name", "x"}, {"Value", "ä"}}}},
               {"Values", {1.0, 2.0}}},
              {{"MetricName", "n"}, {"Timestamp", 1.5}}}}}));
}

TEST_CASE("lists may be empty, numbered with gaps, and longer than nine") {
  const auto& list = shapes::get_metric_statistics_input();
  CHECK(form("Dimensions=&Namespace=n", list) == json({{"Dimensions", json::array()}, {"Namespace", "n"}}));
  CHECK(form("Statistics.member.10=b&Statistics.member.9=a&Statistics.member.40=c", list) ==
        json({{"Statistics", {"a", "b", "c"}}}));
}

TEST_CASE("what a form does not declare is kept for the rules to refuse") {
  CHECK(form("Namespac=n&Other.member.1=x") == json({{"Namespac", "n"}, {"Other", ""}}));
}

TEST_CASE("a form that is none is refused, and says where") {
  CHECK(why_not("Namespace=%zz").find("percent-encoded") != std::string::npos);
  CHECK(why_not("Namespace=%ff").find("UTF-8") != std::string::npos);
  CHECK(why_not("Namespace=a&Namespace=b").find("twice") != std::string::npos);
  CHECK(why_not("Namespace.x=a").find("Namespace") != std::string::npos);
  CHECK(why_not("MetricData=x").find("MetricData") != std::string::npos);
  CHECK(why_not("MetricData.1.MetricName=x").find("NAME.member.1") != std::string::npos);
  CHECK(why_not("MetricData.member.x.MetricName=x").find("numbered") != std::string::npos);
  CHECK(why_not("MetricData.member.1=x").find("structure") != std::string::npos);
  CHECK(why_not("MetricData.member.1.Value=1x").find("MetricData.member.1.Value") != std::string::npos);
  CHECK(why_not("MetricData.member.1.StorageResolution=1.5").find("an integer") != std::string::npos);
  CHECK(why_not("MetricData.member.1.Timestamp=soon").find("a time such as") != std::string::npos);
  CHECK(why_not("StrictEntityValidation=yes").find("true or false") != std::string::npos);
  CHECK(why_not("a..b=1").find("no name") != std::string::npos);
  CHECK(why_not("a.a.a.a.a.a.a.a.a.a.a.a.a=1").find("no name") != std::string::npos);
  std::string many;
  for (std::size_t i = 0; i <= kMaxFormNodes; ++i) many += "a" + std::to_string(i) + "&";
  CHECK(why_not(many).find("more than 500000") != std::string::npos);
}

TEST_CASE("a parameter is found before the form is taken apart") {
  CHECK(find_parameter("Version=1&Action=Put%20It&Action=Other", "Action") == "Put It");
  CHECK(!find_parameter("Actions=1", "Action"));
}

TEST_CASE("instants as text") {
  CHECK(parse_timestamp("1970-01-02T00:00:00Z") == 86400.0);
  CHECK(parse_timestamp("1970-01-02") == 86400.0);
  CHECK(parse_timestamp("1970-01-01T01:30+01:00") == 1800.0);
  CHECK(parse_timestamp("1970-01-01T00:00:00-0030") == 1800.0);
  CHECK(*parse_timestamp("2026-11-23T03:28:48.236872Z") == doctest::Approx(1795404528.236872).epsilon(1e-15));
  CHECK(parse_timestamp("1795404528.5") == 1795404528.5);
  for (const char* text : {"", "now", "1970-13-01", "1970-02-30", "1970-01-01T", "1970-01-01T24:00", "1970-01-01T00:60",
                           "1970-01-01T00:00:00.Z", "1970-01-01T00:00ZZ", "1970-01-01T00:00+1", "0000-01-01", "inf"}) {
    CAPTURE(text);
    CHECK(!parse_timestamp(text));
  }
  CHECK(format_timestamp(1795404528) == "2026-11-23T03:28:48Z");
  CHECK(format_timestamp(1795404528.25) == "2026-11-23T03:28:48.250Z");
}

TEST_CASE("CBOR's numbers, texts and lists, of known or unknown length") {
  // RFC 8949, appendix A.
  CHECK(cbor("\xa1\x61"
             "a\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00"s) == json({{"a", 1000000000000}}));
  CHECK(cbor("\xa1\x61"
             "a\x39\x03\xe7"s) == json({{"a", -1000}}));
  CHECK(cbor("\xa1\x61"
             "a\xf9\x3e\x00"s) == json({{"a", 1.5}}));
  CHECK(cbor("\xa1\x61"
             "a\xf9\x00\x01"s) == json({{"a", 5.960464477539063e-8}}));
  CHECK(cbor("\xa1\x61"
             "a\xf9\xc4\x00"s) == json({{"a", -4.0}}));
  CHECK(cbor("\xa1\x61"
             "a\xfa\x47\xc3\x50\x00"s) == json({{"a", 100000.0}}));
  CHECK(cbor("\xa1\x61"
             "a\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a"s) == json({{"a", 1.1}}));
  CHECK(std::isinf(cbor("\xa1\x61"
                        "a\xf9\x7c\x00"s)
                       .at("a")
                       .get<double>()));
  CHECK(std::isnan(cbor("\xa1\x61"
                        "a\xf9\x7e\x00"s)
                       .at("a")
                       .get<double>()));
  CHECK(cbor("\xa1\x61"
             "a\xc1\x1a\x51\x4b\x67\xb0"s) == json({{"a", 1363896240}}));
  CHECK(cbor("\xa1\x61"
             "a\xc1\xfb\x41\xd4\x52\xd9\xec\x20\x00\x00"s) == json({{"a", 1363896240.5}}));
  CHECK(cbor("\xbf\x63"
             "Fun\xf5\x63"
             "Amt\x21\xff"s) == json({{"Fun", true}, {"Amt", -2}}));
  CHECK(cbor("\xa1\x61"
             "a\x9f\x01\x82\x02\x03\x9f\x04\x05\xff\xff"s) == json({{"a", {1, {2, 3}, {4, 5}}}}));
  CHECK(cbor("\xa1\x61"
             "a\x7f\x65strea\x64ming\xff"s) == json({{"a", "streaming"}}));
  CHECK(cbor("\xa2\x61"
             "a\xf6\x61"
             "b\xf7"s) == json({{"a", nullptr}, {"b", nullptr}}));
}

TEST_CASE("CBOR that is none, or not a request, is refused") {
  const auto refused = [](const std::string& bytes, const char* why) {
    const auto read = read_cbor(bytes);
    REQUIRE(!read);
    CHECK(read.error().code == "SerializationException");
    CHECK_MESSAGE(read.error().message.find(why) != std::string::npos, read.error().message);
  };
  refused("", "too early");
  refused("\x01", "not a map");
  refused("\xa0\x01"s, "after its end");
  refused("\xa1\x61", "too early");
  refused("\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "too early");
  refused("\xa1\x01\x01", "not a text");
  refused(
      "\xa2\x61"
      "a\x01\x61"
      "a\x02",
      "twice");
  refused(
      "\xa1\x61"
      "a\x41x",
      "byte string");
  refused(
      "\xa1\x61"
      "a\x61\xff",
      "UTF-8");
  refused(
      "\xa1\x61"
      "a\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
      "too large");
  refused(
      "\xa1\x61"
      "a\x1c",
      "reserved");
  refused(
      "\xa1\x61"
      "a\xf8\x18",
      "simple");
  refused(
      "\xa1\x61"
      "a\x7f\x41x\xff",
      "other things");
  refused(
      "\xa1\x61"
      "a" +
          std::string(4'000'000, '\x81'),
      "nested deeper than 32");
  refused(
      "\xa1\x61"
      "a" +
          std::string(4'000'000, '\xc1'),
      "nested deeper than 32");
}

TEST_CASE("in an answer instants have their tag, and numbers that may have fractions are written as such") {
  const json answer = {{"MetricDataResults", {{{"Id", "a"}, {"Timestamps", {60, 61.5}}, {"Values", {1, 2.5}}}}}};
  CHECK(write_cbor(answer, shapes::get_metric_data_output()) ==
        "\xa1\x71MetricDataResults\x81\xa3\x62Id\x61"
        "a\x6aTimestamps\x82\xc1\x18\x3c\xc1\xfb\x40\x4e\xc0\0\0\0\0\0"
        "\x66Values\x82\xfb\x3f\xf0\0\0\0\0\0\0\xfb\x40\x04\0\0\0\0\0\0"s);
  CHECK(write_cbor(json({{"a", {-1, 300, 70000, 5000000000, nullptr, true}}})) ==
        "\xa1\x61"
        "a\x86\x20\x19\x01\x2c\x1a\0\x01\x11\x70\x1b\0\0\0\x01\x2a\x05\xf2\0\xf6\xf5"s);
}

TEST_CASE("answers and errors as XML") {
  const json answer = {
      {"Label", "a<b"},
      {"Datapoints", {{{"Timestamp", 60}, {"Sum", 1.5}, {"ExtendedStatistics", {{"p99", 3}}}, {"Unit", "None"}}}}};
  CHECK(answer_xml(answer, &shapes::get_metric_statistics_output(), "GetMetricStatistics", "urn:x", "id-1") ==
        "<GetMetricStatisticsResponse "
        "xmlns=\"urn:x\"><GetMetricStatisticsResult><Label>a&lt;b</Label><Datapoints><member>"
        "<Timestamp>1970-01-01T00:01:00Z</Timestamp><Sum>1.5</Sum><Unit>None</"
        "Unit><ExtendedStatistics><entry><key>p99</key>"
        "<value>3</value></entry></ExtendedStatistics></member></Datapoints></GetMetricStatisticsResult>"
        "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetMetricStatisticsResponse>");
  CHECK(answer_xml(json(), nullptr, "PutMetricData", "urn:x", "id-1") ==
        "<PutMetricDataResponse xmlns=\"urn:x\"><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>"
        "</PutMetricDataResponse>");
  CHECK(error_xml({400, "Code", "why & how"}, "urn:x", "id-1") ==
        "<ErrorResponse xmlns=\"urn:x\"><Error><Type>Sender</Type><Code>Code</Code><Message>why &amp; "
        "how</Message></Error>"
        "<RequestId>id-1</RequestId></ErrorResponse>");
}

TEST_CASE("errors have the Query protocol's names there") {
  CHECK(query_error({400, "MissingRequiredParameterException", "x"}) == ApiError{400, "MissingParameter", "x"});
  CHECK(query_error({400, "AccessDeniedException", "x"}) == ApiError{403, "AccessDenied", "x"});
  CHECK(query_error({503, "ServiceUnavailable", "x"}) == ApiError{503, "ServiceUnavailable", "x"});
}
