// Which jobs a request is about.
#include "api/touches.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace holdfast::api;
using nlohmann::json;
using What = Touches::What;
using Jobs = std::vector<std::string>;

namespace {
const json kGroup = "/aws/sagemaker/TrainingJobs";
json metric(const char* name, const char* value) { return {{"Dimensions", {{{"Name", name}, {"Value", value}}}}}; }
json query(json metric) { return {{"Id", "a"}, {"MetricStat", {{"Metric", std::move(metric)}, {"Stat", "Sum"}}}}; }
}  // namespace

TEST_CASE("a job is named by its name or by its ARN") {
  CHECK(the_job({{"TrainingJobName", "a"}}).jobs == Jobs{"a"});
  CHECK(the_job({{"TrainingJobName", 7}}).what == What::account);
  CHECK(the_job(json::object()).what == What::account);
  CHECK(the_tagged_job({{"ResourceArn", "arn:aws:sagemaker:r:1:training-job/a"}}).jobs == Jobs{"a"});
  CHECK(the_tagged_job({{"ResourceArn", "arn:aws:sagemaker:r:1:algorithm/a"}}).what == What::account);
  CHECK(what_one_may_see({{"TrainingJobName", "a"}}).what == What::nothing);
}

TEST_CASE("a log request is about the jobs of all streams that it names, in the trainings' group only") {
  CHECK(the_streams_jobs({{"logGroupName", kGroup}, {"logStreamName", "a/algo-1-1"}}).jobs == Jobs{"a/algo-1-1"});
  CHECK(the_streams_jobs({{"logGroupIdentifier", "arn:aws:logs:r:1:log-group:/aws/sagemaker/TrainingJobs"},
                          {"logStreamNamePrefix", "a/"}})
            .jobs == Jobs{"a/"});
  CHECK(the_streams_jobs({{"logGroupName", kGroup}, {"logStreamNames", {"a/1", "b/1"}}, {"logStreamNamePrefix", "a"}})
            .jobs == Jobs{"a", "a/1", "b/1"});
  // An element that is no name begins with nobody's prefix.
  CHECK(the_streams_jobs({{"logGroupName", kGroup}, {"logStreamNames", {7}}}).jobs == Jobs{""});
  CHECK(the_streams_jobs({{"logGroupName", kGroup}}).what == What::nothing);
  CHECK(the_streams_jobs({{"logGroupName", kGroup}, {"logStreamNames", json::array()}}).what == What::nothing);
  CHECK(the_streams_jobs({{"logGroupName", "mine"}, {"logStreamName", "a/algo-1-1"}}).what == What::account);
  CHECK(the_streams_jobs({{"logStreamName", "a/algo-1-1"}}).what == What::account);
}

TEST_CASE("a metric request is about the jobs in the dimensions of all its metrics") {
  CHECK(the_metrics_jobs(metric("TrainingJobName", "a")).jobs == Jobs{"a"});
  CHECK(the_metrics_jobs(metric("Host", "a/algo-1")).jobs == Jobs{"a/algo-1"});
  CHECK(the_metrics_jobs(metric("Other", "a")).what == What::account);
  CHECK(the_metrics_jobs({{"Dimensions", {{{"Name", "TrainingJobName"}}}}}).what == What::account);
  CHECK(the_metrics_jobs({{"Dimensions", {7}}}).what == What::account);
  const json expression = {{"Id", "e"}, {"Expression", "a * 2"}};
  CHECK(the_metrics_jobs({{"MetricDataQueries",
                           {query(metric("TrainingJobName", "a")), query(metric("Host", "b/algo-1")), expression}}})
            .jobs == Jobs{"a", "b/algo-1"});
  CHECK(
      the_metrics_jobs({{"MetricDataQueries", {query(metric("TrainingJobName", "a")), query(json::object())}}}).what ==
      What::account);
  CHECK(the_metrics_jobs({{"MetricDataQueries", {expression}}}).what == What::account);
  CHECK(the_metrics_jobs({{"MetricDataQueries", {{{"MetricStat", 7}}}}}).what == What::account);
}
