// CloudWatch's operations on the whole service, and each protocol's way in and out.
#include "api/service_world.hpp"
#include "api/wire/cbor.hpp"

using namespace holdfast;
using holdfast::testing::json;
using holdfast::testing::ServiceWorld;

namespace {

constexpr const char* kPrefix = "GraniteServiceVersion20100801.";

struct World : ServiceWorld {
  http::Response cloudwatch(const std::string& operation, const json& body) {
    return send(request("POST", "/", body.dump(),
                        {{"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", kPrefix + operation}},
                        "monitoring"));
  }
  json told(const std::string& operation, const json& body) {
    const auto response = cloudwatch(operation, body);
    INFO(response.body);
    REQUIRE(response.status == 200);
    CHECK(response.headers.get("Content-Type") == "application/x-amz-json-1.0");
    return response.body.empty() ? json() : json::parse(response.body);
  }
  std::string refusal(const std::string& operation, const json& body) { return error_of(cloudwatch(operation, body)); }
  http::Response form(const std::string& body, const std::string& service_name = "monitoring") {
    return send(request("POST", "/", body, {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                        service_name));
  }

  double now() { return static_cast<double>(to_ms(clock.now())) / 1000; }
  void put(double ago, double value, const std::string& name = "m") {
    told("PutMetricData",
         {{"Namespace", "n"},
          {"MetricData",
           {{{"MetricName", name}, {"Value", value}, {"Timestamp", now() - ago}, {"StorageResolution", 1}}}}});
  }
  json query(const std::string& id, const std::string& name = "m") {
    return {{"Id", id},
            {"MetricStat", {{"Metric", {{"Namespace", "n"}, {"MetricName", name}}}, {"Period", 60}, {"Stat", "Sum"}}}};
  }
  json data(const json& queries, json more = json::object()) {
    more["StartTime"] = now() - 600;
    more["EndTime"] = now() + 60;
    more["MetricDataQueries"] = queries;
    return more;
  }
};

}  // namespace

TEST_CASE("statistics by the period; a start within a minute is rounded down to it") {
  World world;
  world.clock.advance(metrics::floor_to(world.clock.now(), hours{1}) + hours{1} - world.clock.now());
  world.put(120, 1);
  world.put(90, 2);
  world.put(60, 4);
  const auto answer = world.told("GetMetricStatistics", {{"Namespace", "n"},
                                                         {"MetricName", "m"},
                                                         {"StartTime", world.now() - 110},
                                                         {"EndTime", world.now() - 60},
                                                         {"Period", 60},
                                                         {"Statistics", {"Sum"}}});
  CHECK(answer ==
        json({{"Label", "m"}, {"Datapoints", {{{"Timestamp", world.now() - 120}, {"Sum", 3}, {"Unit", "None"}}}}}));
}

TEST_CASE("nulls were not given, and what is missing is called so") {
  World world;
  world.told("PutMetricData",
             {{"Namespace", "n"}, {"MetricData", {{{"MetricName", "m"}, {"Value", 1}, {"Unit", nullptr}}}}});
  CHECK(world.refusal("PutMetricData", {{"MetricData", {{{"MetricName", "m"}, {"Value", 1}}}}})
            .starts_with("MissingRequiredParameterException"));
  CHECK(world.refusal("PutMetricData", {{"Namespace", "n"}, {"MetricData", json::array()}})
            .starts_with("InvalidParameterValueException"));
}

TEST_CASE("what a datum may not be") {
  World world;
  const auto refused = [&](json datum, const char* code) {
    datum["MetricName"] = datum.value("MetricName", "m");
    CAPTURE(datum.dump());
    CHECK(world.refusal("PutMetricData", {{"Namespace", "n"}, {"MetricData", {datum}}}).starts_with(code));
  };
  const auto set = [](double samples, double minimum, double maximum) {
    return json{{"SampleCount", samples}, {"Sum", 1}, {"Minimum", minimum}, {"Maximum", maximum}};
  };
  refused({{"Counts", {1}}}, "MissingRequired");
  refused({{"Values", {1, 2}}, {"Counts", {1}}}, "InvalidParameterValue");
  refused({{"Values", {1}}, {"Counts", {0}}}, "InvalidParameterValue");
  refused({{"Values", json(std::vector<int>(151, 1))}}, "InvalidParameterValue");
  refused({{"Values", {1}}, {"StatisticValues", set(1, 1, 1)}}, "InvalidParameterCombination");
  refused({{"StatisticValues", set(0, 1, 1)}}, "InvalidParameterValue");
  refused({{"StatisticValues", set(2, 2, 1)}}, "InvalidParameterValue");
  refused({{"Value", 1}, {"StorageResolution", 30}}, "InvalidParameterValue");
  refused({{"Value", 1}, {"MetricName", " "}}, "InvalidParameterValue");
  refused({{"Value", 1}, {"MetricName", "a\nb"}}, "InvalidParameterValue");
  refused({{"Value", 1}, {"Dimensions", {{{"Name", ":a"}, {"Value", "b"}}}}}, "InvalidParameterValue");
  refused({{"Value", 1}, {"Dimensions", {{{"Name", "a"}, {"Value", "b"}}, {{"Name", "a"}, {"Value", "c"}}}}},
          "InvalidParameterValue");
  CHECK(world.told("ListMetrics", json::object()).at("Metrics").empty());
}

TEST_CASE("metric data: pages that neither repeat nor hide, in both orders, with values that arrive meanwhile") {
  World world;
  for (const double ago : {300.0, 240.0, 180.0}) world.put(ago, ago);
  for (const bool ascending : {true, false}) {
    json asked =
        world.data({world.query("a"), world.query("b")},
                   {{"MaxDatapoints", 2}, {"ScanBy", ascending ? "TimestampAscending" : "TimestampDescending"}});
    std::vector<double> values;
    for (int page = 0; page < 10; ++page) {
      const auto answer = world.told("GetMetricData", asked);
      for (const auto& result : answer.at("MetricDataResults"))
        for (const auto& value : result.at("Values")) values.push_back(value);
      if (page == 0) {
        CHECK(answer.at("MetricDataResults")[0].at("StatusCode") == "PartialData");
        world.put(ascending ? 500 : 5, 1, "other");
      }
      if (!answer.contains("NextToken")) break;
      asked["NextToken"] = answer.at("NextToken");
    }
    CHECK(values == (ascending ? std::vector<double>{300, 240, 180, 300, 240, 180}
                               : std::vector<double>{180, 240, 300, 180, 240, 300}));
    asked["MaxDatapoints"] = 3;
    CHECK(world.refusal("GetMetricData", asked).starts_with("InvalidNextToken"));
  }
}

TEST_CASE("arithmetic on queries that are not told themselves, and what it may not be") {
  World world;
  world.put(60, 6, "a");
  world.put(60, 3, "b");
  auto a = world.query("a", "a"), b = world.query("b", "b");
  a["ReturnData"] = false;
  const auto expression = [](const char* id, const char* text) { return json{{"Id", id}, {"Expression", text}}; };
  const auto answer =
      world.told("GetMetricData", world.data({a, b, expression("e", "100 * f"), expression("f", "a / (a - b)")}));
  REQUIRE(answer.at("MetricDataResults").size() == 3);
  CHECK(answer.at("MetricDataResults")[1].at("Values") == json({200.0}));
  CHECK(answer.at("MetricDataResults")[2].at("Values") == json({2.0}));

  const auto refused = [&](const json& queries, const char* why) {
    const auto refusal = world.refusal("GetMetricData", world.data(queries));
    CHECK_MESSAGE(refusal.find(why) != std::string::npos, refusal);
  };
  refused({a, a}, "the same Id");
  refused({expression("e", "f"), expression("f", "e")}, "leads back");
  refused(json::array({expression("e", "nobody")}), "'nobody'");
  refused({a, expression("e", "FILL(a, 0)")}, "FILL is not supported");
  refused(json::array({{{"Id", "e"}}}), "either a MetricStat or an Expression");
  refused(json::array({{{"Id", "E"}, {"Expression", "1"}}}), "regular expression");
  auto hourly = world.query("b", "b");
  hourly["MetricStat"]["Period"] = 3600;
  refused({a, hourly, expression("e", "a + b")}, "the same Period");
  auto odd = world.query("a");
  odd["MetricStat"]["Stat"] = "tm101";
  refused(json::array({odd}), "tm101 is not supported");
  auto labelled = world.query("a");
  labelled["Label"] = "${MAX}";
  refused(json::array({labelled}), "labels are taken as they are");
}

TEST_CASE("expressions that speak of each other in every way are worked out once each") {
  World world;
  world.put(60, 1);
  json queries = json::array({world.query("e0")});
  for (int i = 1; i < 400; ++i) {
    const auto before = fmt::format("e{}", i - 1);
    queries.push_back({{"Id", fmt::format("e{}", i)}, {"Expression", before + "/2 + " + before + "/2"}});
  }
  CHECK(world.told("GetMetricData", world.data(queries)).at("MetricDataResults")[399].at("Values") == json({1.0}));
}

TEST_CASE("the same operations in a form, with its own answers and errors") {
  World world;
  const auto put = world.form(
      "Action=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.1.MetricName=m&MetricData.member.1.Value="
      "2");
  CHECK(put.status == 200);
  CHECK(put.headers.get("Content-Type") == "text/xml");
  CHECK(put.body.starts_with("<PutMetricDataResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">"));
  const auto list = world.form("Action=ListMetrics&Version=2010-08-01");
  CHECK(list.body.find("<ListMetricsResult><Metrics><member><Namespace>n</Namespace>") != std::string::npos);

  const auto wrong = world.form("Action=ListMetrics&Version=2010-08-01&RecentlyActive=PT4H");
  CHECK(wrong.status == 400);
  CHECK(wrong.body.find("<Code>InvalidParameterValue</Code>") != std::string::npos);
  CHECK(world.form("Action=Nothing&Version=2010-08-01").body.find("<Code>InvalidAction</Code>") != std::string::npos);
  CHECK(world.form("Action=ListMetrics&Version=2009-01-01").body.find("<Code>InvalidAction</Code>") !=
        std::string::npos);
  CHECK(world.form("Action=ListMetrics&Version=2010-08-01&Dimensions.member.x=1").body.find("MalformedInput") !=
        std::string::npos);
  // For another service, or for nobody.
  const auto scoped = world.form("Action=ListMetrics&Version=2010-08-01", "sagemaker");
  CHECK(scoped.status == 403);
  CHECK(scoped.body.find("<Code>SignatureDoesNotMatch</Code>") != std::string::npos);
  const auto nobody = world.send({{"POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}}, "127.0.0.1:1"},
                                  "Action=ListMetrics&Version=2010-08-01"});
  CHECK(nobody.status == 403);
  CHECK(nobody.body.find("<Code>MissingAuthenticationToken</Code>") != std::string::npos);
}

TEST_CASE("who asks, and a role") {
  World world;
  const auto identity = world.form("Action=GetCallerIdentity&Version=2011-06-15", "sts");
  CHECK(identity.body.find("<GetCallerIdentityResult><UserId>AKIDTEST</UserId><Account>123456789012</Account><Arn>"
                           "arn:aws:iam::123456789012:root</Arn></GetCallerIdentityResult>") != std::string::npos);
  const auto role = world.form("Action=GetRole&Version=2010-05-08&RoleName=R%2B1", "iam");
  CHECK(role.body.find("<Arn>arn:aws:iam::123456789012:role/R+1</Arn>") != std::string::npos);
  CHECK(world.form("Action=GetRole&Version=2010-05-08&RoleName=a/b", "iam").body.find("ValidationError") !=
        std::string::npos);
}

TEST_CASE("the same operations in CBOR") {
  World world;
  world.put(60, 1.5);
  const auto call = [&](const std::string& operation, const std::string& body) {
    return world.send(world.request("POST", "/service/GraniteServiceVersion20100801/operation/" + operation, body,
                                    {{"Content-Type", "application/cbor"}, {"smithy-protocol", "rpc-v2-cbor"}},
                                    "monitoring"));
  };
  const auto list = call("ListMetrics", "");
  CHECK(list.status == 200);
  CHECK(list.headers.get("smithy-protocol") == "rpc-v2-cbor");
  CHECK(list.headers.get("Content-Type") == "application/cbor");
  CHECK(api::wire::read_cbor(list.body)->at("Metrics").size() == 1);
  const auto put =
      call("PutMetricData",
           api::wire::write_cbor(json{{"Namespace", "n"}, {"MetricData", {{{"MetricName", "x"}, {"Value", 1}}}}}));
  CHECK(put.status == 200);
  CHECK(put.body.empty());
  const auto wrong = call("ListMetrics", "\xff");
  CHECK(wrong.status == 400);
  CHECK(wrong.headers.get("x-amzn-query-error") == "MalformedInput;Sender");
  CHECK(api::wire::read_cbor(wrong.body)->at("__type") == "SerializationException");
  // Only where an answer's instants are known, and never for the agents' operations.
  CHECK(call("Nothing", "").status == 400);
  const auto agents = world.send(world.request("POST", "/service/Holdfast/operation/AgentReport", "",
                                               {{"smithy-protocol", "rpc-v2-cbor"}}, "monitoring"));
  CHECK(api::wire::read_cbor(agents.body)->at("__type") == "UnknownOperationException");
}

TEST_CASE("the figures are for everybody, and tell no names") {
  World world;
  world.create("secret-name");
  world.error("SageMaker.DescribeTrainingJob", {{"TrainingJobName", "nobody"}});
  const auto figures = world.send({{"GET", "/metrics", {}, "127.0.0.1:1"}, ""});
  CHECK(figures.status == 200);
  CHECK(figures.headers.get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  INFO(figures.body);
  for (const char* line :
       {"# TYPE holdfast_jobs gauge\n", "holdfast_jobs{status=\"InProgress\"} 1\n",
        "holdfast_live_jobs{status=\"Starting\"} 1\n", "holdfast_waiting{queue=\"requests\"} 0\n",
        "holdfast_requests_total{operation=\"SageMaker.CreateTrainingJob\",outcome=\"success\"} 1\n",
        "holdfast_requests_total{operation=\"SageMaker.DescribeTrainingJob\",outcome=\"refused\"} 1\n",
        "holdfast_resident_memory_bytes "}) {
    CHECK_MESSAGE(figures.body.find(line) != std::string::npos, line);
  }
  CHECK(figures.body.find("secret-name") == std::string::npos);
}
