#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/training_job_requests.hpp"

namespace holdfast::api {
namespace {

TEST_CASE("the smallest request becomes a job with SageMaker's defaults") {
  const NewTrainingJob made = accepted(minimal_request());
  CHECK(made.spec.name.value == "job-1");
  CHECK(made.spec.arn == "arn:aws:sagemaker:us-west-2:123456789012:training-job/job-1");
  CHECK(made.spec.role_arn == "arn:aws:iam::123456789012:role/r");
  CHECK(made.spec.image == "local:host");
  CHECK(made.spec.output_path == "s3://bucket/out");
  CHECK(made.spec.instance_type == "ml.m5.large");
  CHECK(made.spec.instance_count == 1);
  CHECK(made.spec.volume_gb == 30);
  CHECK(made.spec.max_runtime == hours{24});
  CHECK(!made.spec.spot);
  CHECK(!made.spec.max_wait);
  CHECK(!made.spec.checkpoint);
  CHECK(made.spec.max_retries == 0);
  CHECK(made.spec.working_directory.empty());
  CHECK(made.tags.empty());
}

TEST_CASE("the echo has the request as it was given, with the defaults and without tags and nulls") {
  json request = with_channel();
  request["CheckpointConfig"] = {{"S3Uri", "s3://bucket/ckpt"}};
  request["VpcConfig"] = nullptr;
  request["ResourceConfig"]["VolumeKmsKeyId"] = nullptr;
  request["Tags"] = {{{"Key", "team"}, {"Value", ""}}};
  CHECK(json::parse(accepted(request).request_json) == json::parse(R"json({
    "TrainingJobName": "job-1",
    "AlgorithmSpecification": {"TrainingImage": "local:host", "TrainingInputMode": "File",
                               "ContainerEntrypoint": ["python3"], "EnableSageMakerMetricsTimeSeries": false},
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "InputDataConfig": [{"ChannelName": "train", "CompressionType": "None", "RecordWrapperType": "None",
      "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data",
                                      "S3DataDistributionType": "FullyReplicated"}}}],
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out/", "KmsKeyId": ""},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
    "CheckpointConfig": {"S3Uri": "s3://bucket/ckpt", "LocalPath": "/opt/ml/checkpoints"},
    "EnableNetworkIsolation": false,
    "EnableInterContainerTrafficEncryption": false,
    "EnableManagedSpotTraining": false
  })json"));
}

TEST_CASE("defaults do not replace what was given") {
  const json metric = {{"Name", "loss"}, {"Regex", "loss=([0-9.]+)"}};
  const auto time_series = [](const json& algorithm) {
    const json echo = json::parse(accepted(request_with({{"AlgorithmSpecification", algorithm}})).request_json);
    return echo["AlgorithmSpecification"]["EnableSageMakerMetricsTimeSeries"].get<bool>();
  };
  CHECK(time_series({{"MetricDefinitions", {metric}}}));
  CHECK(!time_series({{"MetricDefinitions", json::array()}}));
  CHECK(!time_series({{"MetricDefinitions", {metric}}, {"EnableSageMakerMetricsTimeSeries", false}}));
  const json echo = json::parse(accepted(request_with({{"OutputDataConfig", {{"KmsKeyId", "key"}}},
                                                       {"EnableNetworkIsolation", true},
                                                       {"StoppingCondition", {{"MaxRuntimeInSeconds", 60}}}}))
                                    .request_json);
  CHECK(echo["OutputDataConfig"]["KmsKeyId"] == "key");
  CHECK(echo["EnableNetworkIsolation"] == true);
  CHECK(echo["StoppingCondition"]["MaxRuntimeInSeconds"] == 60);
}

TEST_CASE("everything a job needs is read from the request") {
  json request = with_channel({{"ContentType", "text/csv"},
                               {"DataSource", {{"S3DataSource", {{"S3DataDistributionType", "ShardedByS3Key"}}}}}});
  request.merge_patch(json::parse(R"json({
    "AlgorithmSpecification": {"TrainingImage": "/images/torch", "ContainerEntrypoint": ["python3", "-u"],
      "ContainerArguments": ["train.py"], "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"
}]
}
, "HyperParameters" : {"epochs" : "10"},
                      "Environment" : {"MODE" : "line 1\nline 2"},
                                      "EnableManagedSpotTraining" : true,
                                                                    "EnableNetworkIsolation" : true,
                                                                                               "StoppingCondition"
    : {"MaxRuntimeInSeconds" : 3600, "MaxWaitTimeInSeconds" : 7200},
      "CheckpointConfig" : {"S3Uri" : "s3://bucket/ckpt", "LocalPath" : "/opt/ml//checkpoints/"},
                           "RetryStrategy" : {"MaximumRetryAttempts" : 3},
                                             "Tags"
    : [ {"Key" : "team", "Value" : "blue"}, {"Key" : "holdfast:working-directory", "Value" : "/srv/code/"} ]
})json"));
  const NewTrainingJob made = accepted(request);
  const job::JobSpec& spec = made.spec;
  CHECK(spec.image == "/images/torch");
  CHECK(spec.entrypoint == std::vector<std::string>{"python3", "-u"});
  CHECK(spec.arguments == std::vector<std::string>{"train.py"});
  CHECK(spec.hyperparameters == std::map<std::string, std::string>{{"epochs", "10"}});
  CHECK(spec.environment == std::map<std::string, std::string>{{"MODE", "line 1\nline 2"}});
  REQUIRE(spec.channels.size() == 1);
  CHECK(spec.channels[0].name == "train");
  CHECK(spec.channels[0].s3_uri == "s3://bucket/data");
  CHECK(spec.channels[0].content_type == "text/csv");
  CHECK(spec.channels[0].distribution == "ShardedByS3Key");
  REQUIRE(spec.metrics.size() == 1);
  CHECK(spec.metrics[0].name == "loss");
  CHECK(spec.metrics[0].regex == "loss=([0-9.]+)");
  CHECK(spec.network_isolation);
  CHECK(spec.spot);
  CHECK(spec.max_runtime == hours{1});
  CHECK(spec.max_wait == hours{2});
  REQUIRE(spec.checkpoint);
  CHECK(spec.checkpoint->s3_uri == "s3://bucket/ckpt");
  CHECK(spec.checkpoint->local_path == "/opt/ml/checkpoints");
  CHECK(spec.max_retries == 3);
  CHECK(spec.working_directory == "/srv/code");
  CHECK(made.tags == std::vector<std::pair<std::string, std::string>>{{"team", "blue"},
                                                                      {"holdfast:working-directory", "/srv/code/"}});
}

TEST_CASE("what SageMaker's SDK sends with every job is accepted and echoed") {
  const json extras = json::parse(R"json({
    "DebugHookConfig": {"S3OutputPath": "s3://bucket/", "CollectionConfigurations": []},
    "ProfilerConfig": {"S3OutputPath": "s3://bucket/", "DisableProfiler": false},
    "ProfilerRuleConfigurations": [{"RuleConfigurationName": "r", "RuleEvaluatorImage": "i",
                                    "RuleParameters": {"rule_to_invoke": "ProfilerReport"}}],
    "TensorBoardOutputConfig": {"S3OutputPath": "s3://bucket/tb"},
    "ExperimentConfig": {"ExperimentName": "e"},
    "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    "InfraCheckConfig": {"EnableInfraCheck": true},
    "SessionChainingConfig": {"EnableSessionTagChaining": true},
    "ResourceConfig": {"VolumeKmsKeyId": "key", "KeepAlivePeriodInSeconds": 60}
  })json");
  const json echo = json::parse(accepted(request_with(extras)).request_json);
  json merged = echo;
  merged.merge_patch(extras);
  CHECK(merged == echo);
}

TEST_CASE("the name of a job is letters, digits and inner hyphens, up to 63") {
  const auto named = [](const std::string& name) { return refusal(request_with({{"TrainingJobName", name}})); };
  const std::string pattern = "Member must satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}";
  CHECK(named(std::string(63, 'a')) == "");
  CHECK(named("a") == "");
  CHECK(named("a--b") == "");
  CHECK(named("a-") == broken("a-", "trainingJobName", pattern));
  CHECK(named("-a") == broken("-a", "trainingJobName", pattern));
  CHECK(named("bad_name") == broken("bad_name", "trainingJobName", pattern));
  CHECK(named("j\u00e4b") == broken("j\u00e4b", "trainingJobName", pattern));
  const std::string at = "' at 'trainingJobName' failed to satisfy constraint: ";
  const std::string longer(64, 'a');
  CHECK(named(longer) == "2 validation errors detected: Value '" + longer + at + pattern + "; Value '" + longer + at +
                             "Member must have length less than or equal to 63");
  CHECK(named("") == "2 validation errors detected: Value '" + at + pattern + "; Value '" + at +
                         "Member must have length greater than or equal to 1");
}

TEST_CASE("what SageMaker requires is required") {
  check_all({
      {request_with({{"TrainingJobName", nullptr}}), missing("trainingJobName")},
      {request_with({{"AlgorithmSpecification", nullptr}}), missing("algorithmSpecification")},
      {request_with({{"AlgorithmSpecification", {{"TrainingInputMode", nullptr}}}}),
       missing("algorithmSpecification.trainingInputMode")},
      {request_with({{"RoleArn", nullptr}}), missing("roleArn")},
      {request_with({{"OutputDataConfig", {{"S3OutputPath", nullptr}}}}), missing("outputDataConfig.s3OutputPath")},
      {request_with({{"StoppingCondition", nullptr}}), missing("stoppingCondition")},
      {with_channel({{"ChannelName", nullptr}}), missing("inputDataConfig.1.member.channelName")},
      {with_channel({{"DataSource", {{"S3DataSource", {{"S3Uri", nullptr}}}}}}),
       missing("inputDataConfig.1.member.dataSource.s3DataSource.s3Uri")},
  });
  json empty = json::object();
  CHECK(refusal(empty).starts_with("6 validation errors detected: Value null at 'trainingJobName'"));
}

TEST_CASE("fields outside their limits are refused in SageMaker's words") {
  check_all({
      {request_with({{"ResourceConfig", {{"VolumeSizeInGB", -1}}}}),
       broken("-1", "resourceConfig.volumeSizeInGB", "Member must have value greater than or equal to 0")},
      {request_with({{"RetryStrategy", {{"MaximumRetryAttempts", 31}}}}),
       broken("31", "retryStrategy.maximumRetryAttempts", "Member must have value less than or equal to 30")},
      {request_with({{"RoleArn", "arn:aws:iam::1234:role/training"}}),
       broken("arn:aws:iam::1234:role/training", "roleArn",
              "Member must satisfy regular expression pattern: "
              R"(^arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$)")},
      {request_with({{"InputDataConfig", json::array()}}),
       broken("[]", "inputDataConfig", "Member must have length greater than or equal to 1")},
      {with_channel({{"ChannelName", "my channel"}}),
       broken("my channel", "inputDataConfig.1.member.channelName",
              R"(Member must satisfy regular expression pattern: [A-Za-z0-9\.\-_]+)")},
      {with_channel({{"InputMode", "Stream"}}), broken("Stream", "inputDataConfig.1.member.inputMode",
                                                       "Member must satisfy enum value set: [Pipe, File, FastFile]")},
      {request_with({{"HyperParameters", {{"k", "a\nb"}}}}),
       broken(
           "{k=a\nb}", "hyperParameters",
           "Map value must satisfy constraint: [Member must have length less than or equal to 2500, Member must have "
           "length greater than or equal to 0, Member must satisfy regular expression pattern: .*]")},
      {request_with({{"Environment", {{"1ST", "v"}}}}),
       broken("{1ST=v}", "environment",
              "Map keys must satisfy constraint: [Member must have length less than or equal to 512, Member must have "
              "length greater than or equal to 0, Member must satisfy regular expression pattern: "
              "[a-zA-Z_][a-zA-Z0-9_]*]")},
      {request_with({{"ResourceConfig", {{"InstanceTyp", "ml.m5.large"}}}}),
       "1 validation error detected: Unknown member 'InstanceTyp' at 'resourceConfig.instanceTyp': did you mean "
       "'InstanceType'?"},
      {request_with({{"MlflowConfig", json::object()}}),
       "1 validation error detected: 'mlflowConfig' is not supported: metrics are not sent to MLflow from here; the "
       "program can do so itself."},
      {request_with({{"StoppingCondition", {{"MaxRuntimeInSeconds", "60"}}}}), "SerializationException"},
      {request_with({{"HyperParameters", {{"lr", 0.1}}}}), "SerializationException"},
  });
}

TEST_CASE("instance types are accepted by their form, because newer ones exist") {
  const auto of_type = [](const char* type) {
    return refusal(request_with({{"ResourceConfig", {{"InstanceType", type}}}}));
  };
  for (const char* type : {"ml.m5.large", "ml.p5.48xlarge", "ml.p6-b200.48xlarge"}) CHECK(of_type(type) == "");
  for (const char* type : {"m5.large", "ml.m5", "ml.M5.large", "ml.m5.large.x", ""}) {
    CHECK_MESSAGE(of_type(type).starts_with(broken(type, "resourceConfig.instanceType",
                                                   "Member must satisfy enum value set: [ml.m4.xlarge, ")),
                  type);
  }
}

}  // namespace
}  // namespace holdfast::api
