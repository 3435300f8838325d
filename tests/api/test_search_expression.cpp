// The filter language of Search on one record, row by row.
#include <doctest/doctest.h>

#include "api/search/expression.hpp"

namespace holdfast::api::search {
namespace {

using nlohmann::json;

class PlainRecord final : public Record {
 public:
  explicit PlainRecord(json members) : members_(std::move(members)) {}
  const json* member(const std::string& name) const override {
    const auto found = members_.find(name);
    return found == members_.end() ? nullptr : &*found;
  }

 private:
  json members_;
};

const PlainRecord& job() {
  static const PlainRecord record(json::parse(R"json({
    "TrainingJobName": "mnist-7", "TrainingJobStatus": "Completed", "EnableManagedSpotTraining": true,
    "CreationTime": 1763890506.25, "TrainingTimeInSeconds": 700,
    "HyperParameters": {"epochs": "10", "optimizer": "adam", "a.b": "x"},
    "Environment": {"SEED": "7"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    "VpcConfig": {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
    "InputDataConfig": [
      {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://data/a"}}},
      {"ChannelName": "test", "DataSource": {"S3DataSource": {"S3Uri": "s3://data/b"}}}],
    "FinalMetricDataList": [{"MetricName": "loss", "Value": 0.25, "Timestamp": 1763890600},
                            {"MetricName": "val:acc", "Value": 0.9, "Timestamp": 1763890600}],
    "Tags": [{"Key": "team", "Value": "blue"}, {"Key": "empty", "Value": ""}]})json"));
  return record;
}

// Whether it holds for the job; the refusal, when it is none.
std::string ask(const json& expression) {
  const auto compiled = Expression::compile(expression);
  if (!compiled) return compiled.error();
  return compiled->matches(job()) ? "yes" : "no";
}
json filter(const std::string& name, const std::string& op, const json& value = nullptr) {
  json made = {{"Name", name}, {"Operator", op}};
  if (!value.is_null()) made["Value"] = value;
  return made;
}
std::string one(const std::string& name, const std::string& op, const json& value = nullptr) {
  return ask({{"Filters", {filter(name, op, value)}}});
}

struct Row {
  const char *name, *op;
  json value;
  const char* answer;
};

TEST_CASE("a filter holds when one value of its property does") {
  const Row rows[] = {
      {"TrainingJobName", "Equals", "mnist-7", "yes"},
      {"TrainingJobName", "Equals", "mnist", "no"},
      {"TrainingJobName", "NotEquals", "mnist", "yes"},
      {"TrainingJobName", "Contains", "nist", "yes"},
      {"TrainingJobName", "In", "a, mnist-7,b", "yes"},
      {"TrainingJobName", "In", "a,mnist", "no"},
      {"FailureReason", "Exists", nullptr, "no"},
      {"FailureReason", "NotExists", nullptr, "yes"},
      {"FailureReason", "Equals", "x", "no"},
      {"FailureReason", "NotEquals", "x", "yes"},
      {"TrainingTimeInSeconds", "GreaterThan", "699", "yes"},
      {"TrainingTimeInSeconds", "GreaterThan", "700", "no"},
      {"TrainingTimeInSeconds", "GreaterThanOrEqualTo", "7e2", "yes"},
      {"TrainingTimeInSeconds", "LessThan", "700.5", "yes"},
      {"TrainingTimeInSeconds", "LessThanOrEqualTo", "699", "no"},
      {"BillableTimeInSeconds", "LessThan", "1", "no"},
      {"EnableManagedSpotTraining", "Equals", "true", "yes"},
      {"EnableManagedSpotTraining", "NotEquals", "true", "no"},
      {"ResourceConfig.InstanceCount", "Equals", "1", "yes"},
      {"ResourceConfig.InstanceType", "Contains", "m5", "yes"},
      {"ResourceConfig", "Exists", nullptr, "yes"},
      {"CheckpointConfig", "Exists", nullptr, "no"},
      {"VpcConfig.Subnets", "Equals", "subnet-2", "yes"},
      {"InputDataConfig.ChannelName", "Equals", "test", "yes"},
      {"InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "data/b", "yes"},
      {"InputDataConfig.ContentType", "Exists", nullptr, "no"},
      {"HyperParameters.optimizer", "Equals", "adam", "yes"},
      {"HyperParameters.optimizer", "LessThan", "5", "no"},
      {"HyperParameters.epochs", "Equals", "10.0", "yes"},
      {"HyperParameters.epochs", "GreaterThan", "9", "yes"},  // as a text it would not be
      {"HyperParameters.epochs", "In", "5,10", "yes"},
      {"HyperParameters.a.b", "Equals", "x", "yes"},
      {"HyperParameters.missing", "NotExists", nullptr, "yes"},
      {"Environment.SEED", "Equals", "7", "yes"},
      {"Metrics.loss", "LessThan", "0.3", "yes"},
      {"Metrics.val:acc", "GreaterThan", "0.95", "no"},
      {"Metrics.other", "Exists", nullptr, "no"},
      {"FinalMetricDataList.MetricName", "Equals", "loss", "yes"},
      {"Tags.team", "Equals", "blue", "yes"},
      {"Tags.empty", "Exists", nullptr, "yes"},
      {"Tags.nobody", "Exists", nullptr, "no"},
      {"Tags.team", "Contains", "lu", "yes"},
      // 2025-11-23T09:35:06.250
      {"CreationTime", "GreaterThan", "2025-11-23T09:35:05", "yes"},
      {"CreationTime", "Equals", "2025-11-23T09:35:06", "yes"},
      {"CreationTime", "GreaterThan", "2025-11-23T09:35:06", "no"},
      {"CreationTime", "GreaterThan", "2025-11-23T09:35:06.1", "yes"},
      {"CreationTime", "LessThan", "2025-11-23T09:35:07Z", "yes"},
  };
  for (const Row& row : rows) {
    INFO(row.name, " ", row.op, " ", row.value.dump());
    CHECK(one(row.name, row.op, row.value) == row.answer);
  }
  CHECK(ask({{"Filters", {{{"Name", "TrainingJobStatus"}, {"Value", "Completed"}}}}}) == "yes");
}

TEST_CASE("a filter that cannot be meant is refused, and says why") {
  CHECK(one("Nonsense", "Exists") == "'Nonsense' is not a property of training jobs that can be searched.");
  CHECK(one("TrainingJobName.x", "Exists").find("is not a property") != std::string::npos);
  CHECK(one("HyperParameters.", "Exists").find("is not a property") != std::string::npos);
  CHECK(one("ProfilerConfig.S3OutputPath", "Exists").find("is not a property") != std::string::npos);
  CHECK(one("TrainingJobName", "LessThan", "b") ==
        "Filter 'TrainingJobName': the operator LessThan is not supported for a property that is text.");
  CHECK(one("CreationTime", "Contains", "2025") ==
        "Filter 'CreationTime': the operator Contains is not supported for a property that is a time.");
  CHECK(one("TrainingTimeInSeconds", "In", "1,2").find("not supported") != std::string::npos);
  CHECK(one("EnableManagedSpotTraining", "Equals", "yes").find("must be true or false") != std::string::npos);
  CHECK(one("TrainingTimeInSeconds", "Equals", "many").find("must be a number") != std::string::npos);
  CHECK(one("ResourceConfig", "Equals", "x").find("a structure") != std::string::npos);
  CHECK(one("TrainingJobName", "Equals") == "Filter 'TrainingJobName': the operator Equals needs a Value.");
  CHECK(one("TrainingJobName", "Exists", "x").find("takes no Value") != std::string::npos);
  for (const char* time : {"2025-11-23", "2025-13-23T09:35:06", "2025-11-23T24:00:00", "2025-11-23T09:35:06+01:00",
                           "2025-11-23 09:35:06", "2025-11-31T09:35:06", "2025-11-23T09:35:06.x"}) {
    INFO(time);
    CHECK(one("CreationTime", "Equals", time).find("must be a time in UTC") != std::string::npos);
  }
}

TEST_CASE("filters are joined by And, by Or when it is said, at every depth") {
  const json yes = filter("TrainingJobStatus", "Equals", "Completed");
  const json no = filter("TrainingJobStatus", "Equals", "Failed");
  CHECK(ask({{"Filters", {yes, no}}}) == "no");
  CHECK(ask({{"Filters", {yes, no}}, {"Operator", "Or"}}) == "yes");
  CHECK(ask({{"Filters", {no, no}}, {"Operator", "Or"}}) == "no");
  const json either = {{"Filters", {no, yes}}, {"Operator", "Or"}};
  CHECK(ask({{"Filters", {yes}}, {"SubExpressions", {either}}}) == "yes");
  CHECK(ask({{"Filters", {no}}, {"SubExpressions", {either}}}) == "no");
  CHECK(ask({{"SubExpressions", {{{"SubExpressions", {either}}}}}}) == "yes");
}

TEST_CASE("nested filters all hold for one and the same element") {
  const auto nested = [](const std::string& list, const json& filters) {
    return ask({{"NestedFilters", {{{"NestedPropertyName", list}, {"Filters", filters}}}}});
  };
  const char* uri = "InputDataConfig.DataSource.S3DataSource.S3Uri";
  const char* name = "InputDataConfig.ChannelName";
  CHECK(nested("InputDataConfig", {filter(name, "Equals", "train"), filter(uri, "Equals", "s3://data/a")}) == "yes");
  CHECK(nested("InputDataConfig", {filter(name, "Equals", "train"), filter(uri, "Equals", "s3://data/b")}) == "no");
  CHECK(nested("InputDataConfig", json::array({filter("ChannelName", "Equals", "test")})) == "yes");
  CHECK(nested("Tags", {filter("Tags.Key", "Equals", "team"), filter("Tags.Value", "Equals", "blue")}) == "yes");
  CHECK(nested("Tags", {filter("Key", "Equals", "empty"), filter("Value", "Equals", "blue")}) == "no");
  CHECK(nested("FinalMetricDataList", {filter("MetricName", "Equals", "loss"), filter("Value", "LessThan", "0.5")}) ==
        "yes");
  CHECK(nested("Tags", json::array({filter("Tags.team", "Exists")})).find("Tags.Key or Tags.Value") !=
        std::string::npos);
  CHECK(nested("ResourceConfig", json::array({filter("InstanceType", "Exists")})).find("not a list") !=
        std::string::npos);
  CHECK(nested("InputDataConfig", json::array({filter("TrainingJobName", "Exists")})).find("not a property") !=
        std::string::npos);
}

TEST_CASE("an expression has at least one element and at most fifty, with one Contains") {
  CHECK(ask(json::object()).find("must have at least one of") != std::string::npos);
  const json contains = filter("TrainingJobName", "Contains", "m");
  CHECK(ask({{"Filters", {contains}}, {"SubExpressions", {{{"Filters", {contains}}}}}}) ==
        "'CONTAINS' operator usage limit of 1 exceeded.");
  const json twenty(20, filter("TrainingJobName", "Exists"));
  const json six(6, filter("TrainingJobName", "Exists"));
  CHECK(ask({{"Filters", twenty}, {"SubExpressions", {{{"Filters", twenty}}, {{"Filters", six}}}}}) == "yes");
  const json nine(9, filter("TrainingJobName", "Exists"));
  CHECK(ask({{"Filters", twenty}, {"SubExpressions", {{{"Filters", twenty}}, {{"Filters", nine}}}}})
            .find("50 elements at most") != std::string::npos);
}

TEST_CASE("the names of properties are those of the record, however deep") {
  const auto names = property_names();
  const auto has = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  for (const char* name :
       {"TrainingJobName", "InputDataConfig.DataSource.S3DataSource.S3Uri", "HyperParameters.", "Tags.",
        "SecondaryStatusTransitions.StatusMessage", "StoppingCondition.MaxWaitTimeInSeconds"}) {
    INFO(name);
    CHECK(has(name));
  }
  CHECK_FALSE(has("MlflowConfig"));
  for (const auto& name : names) {
    INFO(name);
    CHECK(find_property(name.ends_with('.') ? name + "x" : name));
  }
}

}  // namespace
}  // namespace holdfast::api::search
