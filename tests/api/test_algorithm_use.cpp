// A training job made from an algorithm: what is demanded of it, and what it is given.
#include <doctest/doctest.h>

#include "api/algorithm_use.hpp"
#include "api/training_job_requests.hpp"

namespace holdfast::api {
namespace {

json specification() {
  return json::parse(R"json({
    "TrainingImage": "/images/mine", "SupportedTrainingInstanceTypes": ["ml.m5.large", "ml.m5.xlarge"],
    "SupportedHyperParameters": [
      {"Name": "depth", "Type": "Integer", "IsRequired": true,
       "Range": {"IntegerParameterRangeSpecification": {"MinValue": "1", "MaxValue": "10"}}},
      {"Name": "rate", "Type": "Continuous", "DefaultValue": "0.1", "IsRequired": true,
       "Range": {"ContinuousParameterRangeSpecification": {"MinValue": "0", "MaxValue": "1e0"}}},
      {"Name": "mode", "Type": "Categorical",
       "Range": {"CategoricalParameterRangeSpecification": {"Values": ["fast", "slow"]}}},
      {"Name": "note", "Type": "FreeText"}],
    "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
    "TrainingChannels": [
      {"Name": "train", "IsRequired": true, "SupportedContentTypes": ["text/csv"], "SupportedInputModes": ["File"],
       "SupportedCompressionTypes": ["None"]},
      {"Name": "test", "SupportedContentTypes": [], "SupportedInputModes": ["File", "Pipe"]}]})json");
}

struct Use {
  json training = specification();
  ports::Tags tags = {};
  std::string name = "mine";

  tl::expected<NewTrainingJob, ApiError> make(const json& patch) const {
    const ports::Algorithm algorithm{name,
                                     "arn:aws:sagemaker:us-west-2:123456789012:algorithm/" + name,
                                     {},
                                     json{{"AlgorithmName", name}, {"TrainingSpecification", training}}.dump(),
                                     tags};
    RequestContext context = kContext;
    context.find_algorithm = [&](const std::string& asked) -> tl::expected<ports::Algorithm, ApiError> {
      if (asked == name) return algorithm;
      return tl::unexpected(validation("Algorithm " + asked + " does not exist."));
    };
    json request = with_channel();
    request["AlgorithmSpecification"] = {{"AlgorithmName", name}, {"TrainingInputMode", "File"}};
    request["HyperParameters"] = {{"depth", "3"}};
    request.merge_patch(patch);
    return make_training_job(request, context);
  }
  std::string refusal(const json& patch = json::object()) const {
    const auto made = make(patch);
    return made ? "" : made.error().message;
  }
  std::string waiting(int max_wait) const {
    return refusal({{"EnableManagedSpotTraining", true},
                    {"StoppingCondition", {{"MaxRuntimeInSeconds", 60}, {"MaxWaitTimeInSeconds", max_wait}}}});
  }
};

TEST_CASE("a job takes its image, its metrics and the defaults of its hyperparameters from its algorithm") {
  const auto made = Use{}.make(json::object());
  REQUIRE(made);
  CHECK(made->spec.image == "/images/mine");
  CHECK(made->spec.hyperparameters == std::map<std::string, std::string>{{"depth", "3"}, {"rate", "0.1"}});
  REQUIRE(made->spec.metrics.size() == 1);
  CHECK(made->spec.metrics[0].name == "loss");
  const json echo = json::parse(made->request_json);
  CHECK(echo["HyperParameters"]["rate"] == "0.1");
  CHECK(echo["AlgorithmSpecification"]["AlgorithmName"] == "mine");
  CHECK_FALSE(echo["AlgorithmSpecification"].contains("TrainingImage"));
  CHECK(echo["AlgorithmSpecification"]["EnableSageMakerMetricsTimeSeries"] == true);
}

TEST_CASE("hyperparameters must be those of the algorithm, of their types and in their ranges") {
  const auto given = [](const char* name, const char* value) {
    return Use{}.refusal({{"HyperParameters", {{name, value}}}});
  };
  for (const auto& [name, value] :
       {std::pair{"depth", "10"}, {"rate", "1"}, {"rate", "5e-2"}, {"mode", "slow"}, {"note", ""}})
    CHECK(given(name, value) == "");
  CHECK(given("depth", "11") ==
        "Hyperparameter 'depth' of algorithm 'mine' must be an integer from 1 to 10, but is '11'.");
  CHECK(given("depth", "3.5").find("must be an integer from 1 to 10") != std::string::npos);
  CHECK(given("depth", " 3").find("must be an integer") != std::string::npos);
  CHECK(given("rate", "1.01").find("must be a number from 0 to 1e0") != std::string::npos);
  CHECK(given("rate", "nan").find("must be a number") != std::string::npos);
  CHECK(given("mode", "medium").find("must be one of [fast, slow]") != std::string::npos);
  CHECK(given("colour", "red") ==
        "Hyperparameter 'colour' is not supported by algorithm 'mine'. Supported: [depth, rate, mode, note].");
  CHECK(Use{}.refusal({{"HyperParameters", nullptr}}) == "Hyperparameter 'depth' is required by algorithm 'mine'.");
  Use free;
  free.training.erase("SupportedHyperParameters");
  CHECK(free.refusal({{"HyperParameters", {{"colour", "red"}}}}) == "");
}

TEST_CASE("channels, instance types and the number of instances are those that the algorithm supports") {
  const auto channel = [](const json& patch) { return Use{}.refusal({{"InputDataConfig", {channel_with(patch)}}}); };
  CHECK(channel({{"ContentType", "text/csv"}}) == "");
  CHECK(channel({{"ContentType", "image/png"}}).find("the ContentType image/png is not supported") !=
        std::string::npos);
  CHECK(channel({{"InputMode", "Pipe"}}).find("the input mode Pipe is not supported") != std::string::npos);
  CHECK(channel({{"CompressionType", "Gzip"}}).find("the CompressionType Gzip is not supported") != std::string::npos);
  CHECK(channel({{"ChannelName", "other"}}) == "Channel 'train' is required by algorithm 'mine'.");
  CHECK(Use{}.refusal({{"InputDataConfig", {channel_with(), channel_with({{"ChannelName", "other"}})}}}) ==
        "Channel 'other' is not supported by algorithm 'mine'. Supported: [train, test].");
  CHECK(Use{}.refusal({{"ResourceConfig", {{"InstanceType", "ml.p3.2xlarge"}}}}) ==
        "InstanceType ml.p3.2xlarge is not supported by algorithm 'mine'. Supported: [ml.m5.large, ml.m5.xlarge].");
  CHECK(Use{}.refusal({{"ResourceConfig", {{"InstanceCount", 2}}}}).find("does not train distributed") !=
        std::string::npos);
}

TEST_CASE("an algorithm is named instead of an image, is there, and brings its own metrics") {
  const auto algorithm = [](const json& patch) { return Use{}.refusal({{"AlgorithmSpecification", patch}}); };
  CHECK(algorithm({{"AlgorithmName", "other"}}) == "Algorithm other does not exist.");
  CHECK(algorithm({{"TrainingImage", "local:host"}}).find("must not have both") != std::string::npos);
  CHECK(algorithm({{"MetricDefinitions", {{{"Name", "x"}, {"Regex", "(x)"}}}}}).find("those of algorithm 'mine'") !=
        std::string::npos);
}

TEST_CASE("an algorithm that does not save checkpoints waits for spot one hour at most") {
  Use use;
  CHECK(use.waiting(3600) == "");
  const auto refused = use.waiting(3601);
  CHECK(refused.starts_with("MaxWaitTimeInSeconds above 3600 is not supported for the given algorithm."));
  CHECK(refused.find("holdfast:checkpoints=true") != std::string::npos);
  use.tags = {{"holdfast:checkpoints", "true"}};
  CHECK(use.waiting(3601) == "");
  use.name = "image-classification";
  use.tags = {{"holdfast:checkpoints", "false"}};
  CHECK(use.waiting(3601) != "");
  use.tags = {};
  CHECK(use.waiting(3601) == "");
  use.name = "mine";
  use.training["TrainingImage"] = "/images/sagemaker-xgboost:1.5-1";
  CHECK(use.waiting(3601) == "");
}

TEST_CASE("SageMaker's own images that save checkpoints are known, with their versions") {
  for (const char* image : {"image-classification", "811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1",
                            "/images/semantic-segmentation@sha256:00", "x/sagemaker-xgboost:0.90-1-cpu-py3",
                            "sagemaker-xgboost:1.0-1", "x/pytorch-training:1.13", "huggingface-pytorch-training:1"}) {
    INFO(image);
    CHECK(is_known_to_checkpoint(image));
  }
  for (const char* image : {"kmeans", "xgboost:1", "sagemaker-xgboost", "sagemaker-xgboost:0.72-1",
                            "sagemaker-xgboost:latest", "image-classification/other", "my-pytorch-training", ""}) {
    INFO(image);
    CHECK_FALSE(is_known_to_checkpoint(image));
  }
}

}  // namespace
}  // namespace holdfast::api
