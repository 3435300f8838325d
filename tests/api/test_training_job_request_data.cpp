// Where a training job's data may come from and go to.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "api/training_job_requests.hpp"

namespace holdfast::api {
namespace {

std::string refusal_of(const json& patch) { return refusal(request_with(patch)); }
std::string channel_refusal(const json& patch) { return refusal(with_channel(patch)); }
std::string source_refusal(const json& patch) { return channel_refusal({{"DataSource", {{"S3DataSource", patch}}}}); }
std::string output_refusal(const std::string& path) {
  return refusal_of({{"OutputDataConfig", {{"S3OutputPath", path}}}});
}
std::string checkpoint_refusal(const std::string& local_path) {
  return refusal_of({{"CheckpointConfig", {{"S3Uri", "s3://bucket/ckpt"}, {"LocalPath", local_path}}}});
}
std::string bad_uri(const std::string& where, const std::string& uri) {
  return where + " '" + uri +
         "' cannot be used: write s3://bucket/prefix, with a bucket name of 3 to 63 lower-case letters, digits, dots "
         "and "
         "hyphens.";
}

TEST_CASE("locations are s3:// with a bucket that can exist") {
  for (const char* uri : {"s3://bucket", "s3://bucket/", "s3://b-1.x/p/q", "s3://bucket//", "s3://bucket/a b\u00e4"}) {
    CHECK_MESSAGE(output_refusal(uri) == "", uri);
  }
  for (const std::string uri :
       {"https://bucket/out", "s3://bu", "s3://Bucket/out", "s3://buck_et/out", "s3://-bucket/x", "s3://buc..ket/x"}) {
    CHECK(output_refusal(uri) == bad_uri("OutputDataConfig.S3OutputPath", uri));
    CHECK(source_refusal({{"S3Uri", uri}}) == bad_uri("Channel 'train': S3Uri", uri));
    CHECK(refusal_of({{"CheckpointConfig", {{"S3Uri", uri}}}}) == bad_uri("CheckpointConfig.S3Uri", uri));
  }
  CHECK(output_refusal("/out").starts_with(
      "1 validation error detected: Value '/out' at 'outputDataConfig.s3OutputPath'"));
}

TEST_CASE("the output path of a job has no slash at its end") {
  const auto path_of = [](const char* given) {
    return accepted(request_with({{"OutputDataConfig", {{"S3OutputPath", given}}}})).spec.output_path;
  };
  CHECK(path_of("s3://bucket/") == "s3://bucket");
  CHECK(path_of("s3://bucket/out//") == "s3://bucket/out");
  CHECK(path_of("s3://bucket/out") == "s3://bucket/out");
}

TEST_CASE("a model is stored as an archive, or file by file") {
  const auto archived = [](const json& output) {
    return accepted(request_with({{"OutputDataConfig", output}})).spec.archive_model;
  };
  CHECK(archived(json::object()));
  CHECK(archived({{"CompressionType", "GZIP"}}));
  CHECK_FALSE(archived({{"CompressionType", "NONE"}}));
}

TEST_CASE("channels have different names, which can be directories") {
  CHECK(refusal_of({{"InputDataConfig", {channel_with(), channel_with({{"ChannelName", "Train"}})}}}) == "");
  CHECK(refusal_of({{"InputDataConfig", {channel_with(), channel_with()}}}) ==
        "ChannelName 'train' is given twice in InputDataConfig: the names of channels must be unique.");
  for (const std::string name : {".", ".."}) {
    CHECK(channel_refusal({{"ChannelName", name}}) ==
          "Channel '" + name + "': the name of a channel is the name of its directory. Use another.");
  }
  CHECK(channel_refusal({{"ChannelName", "..."}}) == "");
}

TEST_CASE("a pipe and another channel cannot have one name") {
  const auto refused = [](const json& first, const std::string& second) {
    return refusal_of({{"InputDataConfig", {channel_with(first), channel_with({{"ChannelName", second}})}}});
  };
  CHECK(refused({{"InputMode", "Pipe"}}, "train_0") ==
        "Channel 'train_0' has the name of a pipe of channel 'train', which is in Pipe input mode. Use another.");
  CHECK(refused({{"InputMode", "Pipe"}}, "train_17") != "");
  for (const char* other : {"train_", "train_x", "train_1x", "train-0", "trainer_0"}) {
    CHECK(refused({{"InputMode", "Pipe"}}, other) == "");
  }
  CHECK(refused({{"InputMode", "FastFile"}}, "train_0") == "");
}

TEST_CASE("a channel's own mode counts, else the algorithm's") {
  const auto mode_of = [](const json& algorithm, const json& channel) {
    auto request = with_channel(channel);
    request["AlgorithmSpecification"].merge_patch(algorithm);
    return accepted(request).spec.channels.at(0).mode;
  };
  CHECK(mode_of(json::object(), json::object()) == job::InputMode::File);
  CHECK(mode_of({{"TrainingInputMode", "FastFile"}}, json::object()) == job::InputMode::FastFile);
  CHECK(mode_of({{"TrainingInputMode", "Pipe"}}, {{"InputMode", "File"}}) == job::InputMode::File);
  CHECK(mode_of(json::object(), {{"InputMode", "Pipe"}}) == job::InputMode::Pipe);
}

TEST_CASE("what changes bytes on their way is for pipes") {
  CHECK(channel_refusal({{"CompressionType", "None"}, {"RecordWrapperType", "None"}}) == "");
  CHECK(channel_refusal({{"ShuffleConfig", {{"Seed", 7}}}}) == "");  // files have no order
  for (const char* mode : {"File", "FastFile"}) {
    CHECK(channel_refusal({{"InputMode", mode}, {"CompressionType", "Gzip"}}) ==
          "Channel 'train': CompressionType Gzip is only for Pipe input mode. Use None: files reach the program as "
          "they are.");
    CHECK(channel_refusal({{"InputMode", mode}, {"RecordWrapperType", "RecordIO"}}) ==
          "Channel 'train': RecordWrapperType RecordIO is only for Pipe input mode. Use None.");
  }
  const auto channel = accepted(with_channel({{"InputMode", "Pipe"},
                                              {"CompressionType", "Gzip"},
                                              {"RecordWrapperType", "RecordIO"},
                                              {"ShuffleConfig", {{"Seed", -7}}}}))
                           .spec.channels.at(0);
  CHECK(channel.gzip);
  CHECK(channel.record_io);
  CHECK(channel.shuffle_seed == -7);
}

TEST_CASE("a list of objects is one object, and goes with some modes only") {
  const auto refused = [](const char* mode, const json& source) {
    return channel_refusal({{"InputMode", mode}, {"DataSource", {{"S3DataSource", source}}}});
  };
  for (const char* mode : {"File", "Pipe"}) CHECK(refused(mode, {{"S3DataType", "ManifestFile"}}) == "");
  CHECK(refused("FastFile", {{"S3DataType", "ManifestFile"}}) ==
        "Channel 'train': FastFile input mode needs S3DataType S3Prefix, not ManifestFile. Use File or Pipe.");
  for (const std::string uri : {"s3://bucket", "s3://bucket/", "s3://bucket/lists/"}) {
    CHECK(refused("File", {{"S3DataType", "ManifestFile"}, {"S3Uri", uri}}) ==
          "Channel 'train': S3DataType ManifestFile needs an S3Uri that names one object, the list; '" + uri +
              "' names none.");
  }
  const json augmented = {{"S3DataType", "AugmentedManifestFile"}, {"AttributeNames", {"a-ref", "class"}}};
  CHECK(refused("Pipe", augmented) == "");
  for (const char* mode : {"File", "FastFile"}) {
    CHECK(refused(mode, augmented) ==
          "Channel 'train': S3DataType AugmentedManifestFile is only for Pipe input mode. Set InputMode to Pipe.");
  }
  CHECK(refused("Pipe", {{"S3DataType", "AugmentedManifestFile"}}) ==
        "Channel 'train': S3DataType AugmentedManifestFile needs AttributeNames: which members of each line are "
        "streamed, and in which order.");
  CHECK(refused("Pipe", {{"AttributeNames", {"a-ref"}}}) ==
        "Channel 'train': AttributeNames is only for S3DataType AugmentedManifestFile. Leave it out.");
  const auto channel = accepted(with_channel({{"InputMode", "Pipe"}, {"DataSource", {{"S3DataSource", augmented}}}}))
                           .spec.channels.at(0);
  CHECK(channel.type == job::SourceType::AugmentedManifestFile);
  CHECK(channel.attributes == std::vector<std::string>{"a-ref", "class"});
}

TEST_CASE("a channel reads from S3") {
  const json file_system = {{"FileSystemId", "fs-12345678"},
                            {"FileSystemAccessMode", "ro"},
                            {"FileSystemType", "EFS"},
                            {"DirectoryPath", "/d"}};
  CHECK(source_refusal({{"S3DataDistributionType", "ShardedByS3Key"}}) == "");
  CHECK(source_refusal({{"InstanceGroupNames", {"g"}}}) ==
        "Channel 'train': InstanceGroupNames needs ResourceConfig.InstanceGroups, which are not supported. Leave it "
        "out.");
  CHECK(channel_refusal({{"DataSource", {{"FileSystemDataSource", file_system}}}}) ==
        "Channel 'train': DataSource must have only one of S3DataSource and FileSystemDataSource.");
  CHECK(channel_refusal({{"DataSource", {{"S3DataSource", nullptr}}}}) ==
        "Channel 'train': DataSource must have one of S3DataSource or FileSystemDataSource.");
  CHECK(channel_refusal({{"DataSource", {{"S3DataSource", nullptr}, {"FileSystemDataSource", file_system}}}}) ==
        "Channel 'train': FileSystemDataSource is not supported. Use an S3DataSource.");
}

TEST_CASE("checkpoints are kept in a directory of their own") {
  for (const char* path : {"/opt/ml/checkpoints", "/opt/ml/checkpoints/", "/opt/ml/modelling", "/ckpt", "/a/..b"}) {
    CHECK_MESSAGE(checkpoint_refusal(path) == "", path);
  }
  for (const std::string path : {"checkpoints", "", "/opt/ml/checkpoints/../model", ".."}) {
    CHECK(checkpoint_refusal(path) ==
          "CheckpointConfig.LocalPath '" + path + "' must be an absolute path without '..'.");
  }
  const auto reserved = [](const std::string& path, const std::string& by) {
    CHECK(checkpoint_refusal(path) == "CheckpointConfig.LocalPath '" + path + "' conflicts with the reserved path '" +
                                          by + "'. Use for example '/opt/ml/checkpoints'.");
  };
  reserved("/opt/ml/model", "/opt/ml/model");
  reserved("/opt/ml//model/", "/opt/ml/model");
  reserved("//opt/ml/./model", "/opt/ml/model");
  reserved("/opt/ml/input/data/train", "/opt/ml/input");
  reserved("/opt/ml", "/opt/ml/code");
  reserved("/", "/opt/ml/code");
  reserved("/proc/1", "/proc");
}

}  // namespace
}  // namespace holdfast::api
