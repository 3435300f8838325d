// The rules between the fields of a request, and what cannot be done yet.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/training_job_requests.hpp"

namespace holdfast::api {
namespace {

json with_times(json spot, json max_runtime, json max_wait) {
  return request_with(
      {{"EnableManagedSpotTraining", spot},
       {"StoppingCondition", {{"MaxRuntimeInSeconds", max_runtime}, {"MaxWaitTimeInSeconds", max_wait}}}});
}

TEST_CASE("the times of a spot job fit together") {
  const std::string only_spot =
      "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true";
  const std::string at_least_runtime =
      "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds";
  const json absent = nullptr;
  check_all({
      {with_times(true, 3600, 3600), ""},
      {with_times(true, 3600, 3601), ""},
      {with_times(true, 3600, 3599), at_least_runtime},
      {with_times(true, 3600, absent), at_least_runtime},
      {with_times(true, absent, 86400), ""},
      {with_times(true, absent, 86399), at_least_runtime},
      {with_times(false, 3600, 7200), only_spot},
      {with_times(absent, 3600, 7200), only_spot},
      {with_times(false, 2419200, absent), ""},
      {with_times(false, 2419201, absent),
       "Invalid MaxRuntimeInSeconds. It must be less than or equal to 2419200 (28 days)"},
  });
}

TEST_CASE("a user's image may wait for spot as long as it runs, whether it saves checkpoints or not") {
  json request = with_times(true, 60, 3601);
  request["AlgorithmSpecification"]["TrainingImage"] = "/images/mine";
  CHECK(refusal(request) == "");
}

TEST_CASE("an image is the host or a directory, and only one of image and algorithm is given") {
  const auto algorithm = [](const json& patch) { return refusal(request_with({{"AlgorithmSpecification", patch}})); };
  const auto cannot_run = [](const std::string& image) {
    return "TrainingImage '" + image +
           "' cannot run here: images are not pulled from a registry. Use 'local:host' for the programs of the "
           "instance "
           "itself, or the absolute path of a directory that holds an image's root file system.";
  };
  CHECK(algorithm({{"TrainingImage", "/images/torch"}}) == "");
  for (const std::string image :
       {"123456789012.dkr.ecr.us-west-2.amazonaws.com/x:latest", "images/torch", "/images/../etc", "/", "local", ""}) {
    CHECK(algorithm({{"TrainingImage", image}}) == cannot_run(image));
  }
  CHECK(algorithm({{"AlgorithmName", "a"}}) ==
        "AlgorithmSpecification must not have both TrainingImage and AlgorithmName. Keep one of them.");
  CHECK(algorithm({{"TrainingImage", nullptr}}) ==
        "AlgorithmSpecification must have a TrainingImage or an AlgorithmName.");
  CHECK(algorithm({{"TrainingImage", nullptr}, {"AlgorithmName", "a"}}) ==
        "AlgorithmSpecification.AlgorithmName is not supported here. Use TrainingImage.");
}

TEST_CASE("a job that could only fail for want of a program is refused") {
  CHECK(refusal(request_with({{"AlgorithmSpecification", {{"ContainerEntrypoint", nullptr}}}}))
            .starts_with("TrainingImage 'local:host' has no program of its own"));
  CHECK(refusal(request_with(
            {{"AlgorithmSpecification", {{"ContainerEntrypoint", nullptr}, {"TrainingImage", "/i"}}}})) == "");
}

TEST_CASE("an access key among the hyperparameters is refused, and not repeated") {
  for (const char* key : {"AKIAIOSFODNN7EXAMPLE", "use ASIAIOSFODNN7EXAMPLE;", "HFAKABCDEFGHIJKLMNOP"}) {
    const auto said = refusal(request_with({{"HyperParameters", {{"key", key}}}}));
    CHECK(said.starts_with("The hyperparameter 'key' holds an access key"));
    CHECK(said.find("EXAMPLE") == std::string::npos);
  }
  for (const char* fine : {"AKIA", "AKIAIOSFODNN7EXAMPLEX", "XAKIAIOSFODNN7EXAMPLE", "akiaiosfodnn7example"})
    CHECK(refusal(request_with({{"HyperParameters", {{"key", fine}}}})) == "");
}

TEST_CASE("a job trains on one instance") {
  const auto resources = [](const json& patch) { return refusal(request_with({{"ResourceConfig", patch}})); };
  const auto count = [](int given) {
    return fmt::format("ResourceConfig.InstanceCount {} is not supported. Use 1: a job trains on one instance.", given);
  };
  const json groups = {{{"InstanceType", "ml.m5.large"}, {"InstanceCount", 1}, {"InstanceGroupName", "g"}}};
  CHECK(resources({{"InstanceCount", 2}}) == count(2));
  CHECK(resources({{"InstanceCount", 0}}) == count(0));
  CHECK(resources({{"InstanceCount", nullptr}}) == "ResourceConfig must have InstanceType and InstanceCount.");
  CHECK(resources({{"InstanceType", nullptr}}) == "ResourceConfig must have InstanceType and InstanceCount.");
  CHECK(resources({{"InstanceGroups", groups}}) ==
        "ResourceConfig must not have InstanceGroups together with InstanceType or InstanceCount.");
  CHECK(resources({{"InstanceGroups", groups}, {"InstanceType", nullptr}, {"InstanceCount", nullptr}}) ==
        "ResourceConfig.InstanceGroups is not supported. Use InstanceType with InstanceCount 1.");
  CHECK(resources({{"InstanceGroups", json::array()}}) == "");
}

TEST_CASE("a warm pool is not for spot") {
  json request = with_times(true, 60, 60);
  request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 0;
  CHECK(refusal(request) == "");
  request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 1;
  CHECK(refusal(request) ==
        "KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true. Leave it out.");
}

TEST_CASE("metrics have a regex of RE2 with a group") {
  const auto regex = [](const char* text) {
    const json metric = {{"Name", "loss"}, {"Regex", text}};
    return refusal(request_with({{"AlgorithmSpecification", {{"MetricDefinitions", {metric}}}}}));
  };
  CHECK(regex("loss: ([0-9\\.]+)") == "");
  CHECK(regex("loss: (?:a|b)([0-9]+)") == "");
  CHECK(regex("loss: ([0-9]+") ==
        "The Regex 'loss: ([0-9]+' of metric 'loss' cannot be used: missing ): loss: ([0-9]+. Its syntax is RE2's, "
        "without look-around and back-references.");
  CHECK(regex("(?<=loss=)([0-9]+)").starts_with("The Regex '(?<=loss=)([0-9]+)' of metric 'loss' cannot be used: "));
  CHECK(regex("(((a{100}){100}){100})").find("cannot be used: ") != std::string::npos);
  CHECK(regex("loss: (?:[0-9]+)") ==
        "The Regex 'loss: (?:[0-9]+)' of metric 'loss' has no group: put parentheses around the value, as in "
        "'loss=([0-9.]+)'.");
}

TEST_CASE("tags are unique, not AWS's own, and those to us are known") {
  check_all({
      {with_tags({{"team", "blue"}, {"Team", "blue"}, {"\u00fcber", "caf\u00e9 1"}}), ""},
      {with_tags({{"team", "blue"}, {"team", "red"}}),
       "Tag key 'team' is given twice: the keys of tags must be unique."},
      {with_tags({{"aws:team", "blue"}}), "Tag key 'aws:team': the prefix 'aws:' is reserved."},
      {with_tags({{"AWS:team", "blue"}}), "Tag key 'AWS:team': the prefix 'aws:' is reserved."},
      {with_tags({{"holdfast:working-dir", "/a"}}),
       "Tag 'holdfast:working-dir' is not known: tags that begin with 'holdfast:' are instructions to this service. "
       "Known: holdfast:working-directory, holdfast:checkpoint-markers, holdfast:checkpoint-bandwidth, "
       "holdfast:checkpoint-keep, holdfast:checkpoint-keep-every, holdfast:checkpoint-keep-best."},
      {with_tags({{"Holdfast:Working-Directory", "/a"}}),
       "Tag 'Holdfast:Working-Directory' is not known: tags that begin with 'holdfast:' are instructions to this "
       "service. Known: holdfast:working-directory, holdfast:checkpoint-markers, holdfast:checkpoint-bandwidth, "
       "holdfast:checkpoint-keep, holdfast:checkpoint-keep-every, holdfast:checkpoint-keep-best."},
      {with_tags({{"holdfast:checkpoint-markers", "yes"}}),
       "Tag 'holdfast:checkpoint-markers': 'yes' must be 'on' or 'off'."},
      {with_tags({{"holdfast:checkpoint-bandwidth", "0"}}),
       "Tag 'holdfast:checkpoint-bandwidth': '0' must be a number of megabytes per second, from 0.1 to 1000000."},
      {with_tags({{"holdfast:checkpoint-bandwidth", "10 MB/s"}}),
       "Tag 'holdfast:checkpoint-bandwidth': '10 MB/s' must be a number of megabytes per second, from 0.1 to 1000000."},
      {with_tags({{"holdfast:checkpoint-markers", "off"}, {"holdfast:checkpoint-bandwidth", "12.5"}}), ""},
      {with_tags({{"holdfast:working-directory", "code"}}),
       "Tag 'holdfast:working-directory': 'code' must be an absolute path without '..'."},
      {with_tags({{"holdfast:working-directory", "/a/../b"}}),
       "Tag 'holdfast:working-directory': '/a/../b' must be an absolute path without '..'."},
      {with_tags({{"team", "a,b"}}),
       broken("a,b", "tags.1.member.value",
              R"(Member must satisfy regular expression pattern: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$)")},
  });
}

TEST_CASE("tags say how many checkpoints stay, if the job keeps any") {
  const auto saving = [](const std::vector<std::pair<std::string, std::string>>& tags) {
    auto request = with_tags(tags);
    request["CheckpointConfig"] = {{"S3Uri", "s3://bucket/ck"}};
    request["AlgorithmSpecification"]["MetricDefinitions"] = {{{"Name", "val:loss"}, {"Regex", "loss=(.*)"}}};
    return request;
  };
  check_all({
      {saving({{"holdfast:checkpoint-keep", "2"}, {"holdfast:checkpoint-keep-every", "10"}}), ""},
      {saving({{"holdfast:checkpoint-keep-best", "val:loss:min"}}), ""},
      {saving({{"holdfast:checkpoint-keep", "1"}}),
       "Tag 'holdfast:checkpoint-keep': '1' must be a number from 2 to 1000."},
      {saving({{"holdfast:checkpoint-keep", "all"}}),
       "Tag 'holdfast:checkpoint-keep': 'all' must be a number from 2 to 1000."},
      {saving({{"holdfast:checkpoint-keep-every", "0"}}),
       "Tag 'holdfast:checkpoint-keep-every': '0' must be a number from 1 to 1000000."},
      {saving({{"holdfast:checkpoint-keep-best", "val:loss"}}),
       "Tag 'holdfast:checkpoint-keep-best': 'val:loss' must be METRIC:min or METRIC:max, as in "
       "'validation:loss:min'."},
      {saving({{"holdfast:checkpoint-keep-best", "acc:max"}}),
       "Tag 'holdfast:checkpoint-keep-best': the metric 'acc' is not among AlgorithmSpecification.MetricDefinitions."},
      {with_tags({{"holdfast:checkpoint-keep", "3"}}),
       "Tag 'holdfast:checkpoint-keep': the job has no CheckpointConfig, so it keeps no checkpoints."},
  });
  const auto made = make_training_job(
      saving({{"holdfast:checkpoint-keep", "5"}, {"holdfast:checkpoint-keep-best", "val:loss:min"}}), kContext);
  REQUIRE(made);
  CHECK(made->spec.checkpoint->keep == 5);
  CHECK(made->spec.checkpoint->keep_every == 0);
  CHECK(made->spec.checkpoint->keep_best == "val:loss:min");
}

TEST_CASE("a NUL character cannot pass, for it would cut an argument or a path short") {
  const std::string nul("a\0b", 3);
  CHECK(refusal(request_with({{"HyperParameters", {{"k", nul}}}})) ==
        "HyperParameters must not contain the character U+0000.");
  CHECK(refusal(request_with({{"HyperParameters", {{nul, "v"}}}})) ==
        "HyperParameters must not contain the character U+0000.");
  CHECK(refusal(request_with({{"AlgorithmSpecification", {{"ContainerArguments", {"x", nul}}}}})) ==
        "AlgorithmSpecification must not contain the character U+0000.");
}

}  // namespace
}  // namespace holdfast::api
