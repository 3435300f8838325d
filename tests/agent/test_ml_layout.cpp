#include "agent/ml_layout.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace holdfast;
using namespace holdfast::agent;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct Instance {
  Instance() {
    std::string name = "/tmp/holdfast-layout-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory = name;
    spec.name = JobName{"digits-1"};
    spec.arn = "arn:aws:sagemaker:us-east-1:000000000000:training-job/digits-1";
    spec.image = "local:host";
    spec.instance_type = "ml.m5.large";
  }
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }
  MlLayout laid_out() {
    auto layout = lay_out(spec, directory / "instance");
    if (!layout) FAIL(layout.error().message);
    return *layout;
  }

  fs::path directory;
  job::JobSpec spec;
};

std::string text_of(const fs::path& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("the configuration files have SageMaker's shapes") {
  Instance instance;
  instance.spec.hyperparameters = {{"epochs", "10"}, {"name", "\"quoted\""}};
  instance.spec.channels = {{"train", "s3://b/train", "text/csv", "FullyReplicated"},
                            {"validation", "s3://b/val", "", "ShardedByS3Key"}};
  instance.spec.checkpoint = job::Checkpoint{"s3://b/ckpt", "/opt/ml/checkpoints"};
  const auto config = instance.laid_out().ml / "input/config";
  CHECK(text_of(config / "hyperparameters.json") == R"({"epochs":"10","name":"\"quoted\""})");
  CHECK(json::parse(text_of(config / "inputdataconfig.json")) == json::parse(R"({
    "train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None",
              "ContentType": "text/csv"},
    "validation": {"TrainingInputMode": "File", "S3DistributionType": "ShardedByS3Key", "RecordWrapperType": "None"}})"));
  CHECK(json::parse(text_of(config / "resourceconfig.json")) == json::parse(R"({
    "current_host": "algo-1", "current_instance_type": "ml.m5.large", "current_group_name": "homogeneousCluster",
    "hosts": ["algo-1"],
    "instance_groups": [{"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large", "hosts": ["algo-1"]}],
    "network_interface_name": "eth0"})"));
  CHECK(text_of(config / "checkpointconfig.json") == R"({"LocalPath":"/opt/ml/checkpoints"})");
}

TEST_CASE("each channel has the mode and the wrapper that it was given, and the directories that go with it") {
  Instance instance;
  instance.spec.channels.resize(2);
  auto& pipe = instance.spec.channels[0];
  pipe.name = "train";
  pipe.mode = job::InputMode::Pipe;
  pipe.record_io = true;
  auto& fast = instance.spec.channels[1];
  fast.name = "lookup";
  fast.mode = job::InputMode::FastFile;
  const auto layout = instance.laid_out();
  CHECK(json::parse(text_of(layout.ml / "input/config/inputdataconfig.json")) == json::parse(R"({
    "train": {"TrainingInputMode": "Pipe", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "RecordIO"},
    "lookup": {"TrainingInputMode": "FastFile", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}})"));
  CHECK_FALSE(fs::exists(layout.data / "train"));
  CHECK(fs::is_directory(layout.data / "lookup"));
  REQUIRE(layout.mounts.size() == 2);
  CHECK(layout.mounts[1].source == layout.data / "lookup");
  CHECK(layout.mounts[1].target == "/opt/ml/input/data/lookup");
  CHECK_FALSE(layout.mounts[1].writable);
}

TEST_CASE("without hyperparameters, channels and checkpoints the files are empty objects or absent") {
  Instance instance;
  const auto layout = instance.laid_out();
  const auto config = layout.ml / "input/config";
  CHECK(text_of(config / "hyperparameters.json") == "{}");
  CHECK(text_of(config / "inputdataconfig.json") == "{}");
  CHECK_FALSE(fs::exists(config / "checkpointconfig.json"));
  CHECK_FALSE(layout.checkpoints);
  CHECK_FALSE(fs::exists(layout.ml / "checkpoints"));
  CHECK_FALSE(fs::exists(layout.notice));
}

TEST_CASE("every directory of the contract exists, and /opt/ml is mounted writable") {
  Instance instance;
  instance.spec.channels = {{"train", "s3://b/t", "", "FullyReplicated"}};
  instance.spec.checkpoint = job::Checkpoint{"s3://b/ckpt", "/opt/ml/checkpoints/"};
  const auto layout = instance.laid_out();
  for (const char* name : {"input/data/train", "model", "output/data", "code", "checkpoints"}) {
    CAPTURE(name);
    CHECK(fs::is_directory(layout.ml / name));
  }
  CHECK(layout.checkpoints == layout.ml / "checkpoints");
  REQUIRE(layout.mounts.size() == 1);
  CHECK(layout.mounts[0].source == layout.ml);
  CHECK(layout.mounts[0].target == "/opt/ml");
  CHECK(layout.mounts[0].writable);
}

TEST_CASE("checkpoints outside /opt/ml are a mount of their own") {
  Instance instance;
  instance.spec.checkpoint = job::Checkpoint{"s3://b/ckpt", "/mnt/my//ckpt/"};
  const auto layout = instance.laid_out();
  REQUIRE(layout.mounts.size() == 2);
  CHECK(layout.mounts[1].target == "/mnt/my/ckpt");
  CHECK(layout.mounts[1].source == *layout.checkpoints);
  CHECK(layout.mounts[1].writable);
  CHECK(fs::is_directory(*layout.checkpoints));
  CHECK(json::parse(text_of(layout.ml / "input/config/checkpointconfig.json"))["LocalPath"] == "/mnt/my//ckpt/");
}

TEST_CASE("a channel's name cannot lead out of its place") {
  Instance instance;
  for (const char* bad : {"..", ".", "", "a/b"}) {
    CAPTURE(bad);
    instance.spec.channels = {{bad, "s3://b/t", "", "FullyReplicated"}};
    const auto layout = lay_out(instance.spec, instance.directory / "instance");
    REQUIRE_FALSE(layout);
    CHECK(layout.error().kind == Kind::invalid);
  }
}

TEST_CASE("laying out twice keeps what the program left") {
  Instance instance;
  instance.spec.checkpoint = job::Checkpoint{"s3://b/ckpt", "/opt/ml/checkpoints"};
  std::ofstream{*instance.laid_out().checkpoints / "epoch-1"} << "x";
  CHECK(text_of(*instance.laid_out().checkpoints / "epoch-1") == "x");
}

TEST_CASE("a local path must be absolute, plain, and nobody else's") {
  for (const char* good : {"/opt/ml/checkpoints", "/opt/ml/checkpoints/", "/checkpoints", "/tmp/ckpt", "/mnt/a/b",
                           "/opt/ml/inputs", "/opt/ml/modelling", "/opt/other", "/usr2"}) {
    CAPTURE(good);
    CHECK(check_local_path(good));
  }
  for (const char* bad : {"",
                          "checkpoints",
                          "/",
                          "//",
                          "/opt",
                          "/opt/",
                          "/opt/ml",
                          "/opt/ml/",
                          "/opt/ml/.",
                          "/opt/ml/input/data",
                          "/opt/ml/input",
                          "/opt/ml//model",
                          "/opt/ml/model/x",
                          "/opt/ml/output/data",
                          "/opt/ml/code",
                          "/opt/ml/checkpoints/../model",
                          "/a/..",
                          "/proc",
                          "/dev/shm",
                          "/etc/x",
                          "/usr/lib",
                          "/tmp",
                          "/home"}) {
    CAPTURE(bad);
    const auto checked = check_local_path(bad);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().kind == Kind::invalid);
    CHECK(checked.error().message.starts_with("CheckpointConfig.LocalPath '"));
  }
  Instance instance;
  instance.spec.checkpoint = job::Checkpoint{"s3://b/ckpt", "/opt/ml/model"};
  CHECK_FALSE(lay_out(instance.spec, instance.directory));
}

TEST_CASE("the environment has the platform's variables and the toolkit's") {
  Instance instance;
  instance.spec.channels = {{"validation", "s3://b/v", "", "FullyReplicated"},
                            {"train", "s3://b/t", "", "FullyReplicated"}};
  instance.spec.hyperparameters = {{"learning-rate", "0.10"},
                                   {"name", "\"a b\""},
                                   {"raw", "a b"},
                                   {"flag", "true"},
                                   {"list", "[1, \"x\"]"},
                                   {"sagemaker_program", "\"t.py\""},
                                   {"_tuning_objective_metric", "loss"},
                                   {"none", "null"}};
  auto env = program_environment(instance.spec, {"eu-west-1", 8, 2});
  const std::map<std::string, std::string> expected{
      {"TRAINING_JOB_NAME", "digits-1"},
      {"TRAINING_JOB_ARN", instance.spec.arn},
      {"AWS_DEFAULT_REGION", "eu-west-1"},
      {"AWS_REGION", "eu-west-1"},
      {"CURRENT_HOST", "algo-1"},
      {"HOLDFAST_NOTICE_FILE", "/opt/ml/input/config/interruption-notice.json"},
      {"PYTHONUNBUFFERED", "1"},
      {"SM_CHANNELS", R"(["train","validation"])"},
      {"SM_CHANNEL_TRAIN", "/opt/ml/input/data/train"},
      {"SM_CHANNEL_VALIDATION", "/opt/ml/input/data/validation"},
      {"SM_HPS", R"({"flag":true,"learning-rate":0.1,"list":[1,"x"],"name":"a b","none":null,"raw":"a b"})"},
      {"SM_HP_LEARNING-RATE", "0.10"},
      {"SM_HP_NAME", "a b"},
      {"SM_HP_RAW", "a b"},
      {"SM_HP_FLAG", "true"},
      {"SM_HP_LIST", R"([1,"x"])"},
      {"SM_HP_NONE", ""},
      {"SM_USER_ARGS",
       R"(["--flag","true","--learning-rate","0.10","--list","[1,\"x\"]","--name","a b","--none","","--raw","a b"])"},
      {"SM_HOSTS", R"(["algo-1"])"},
      {"SM_CURRENT_HOST", "algo-1"},
      {"SM_CURRENT_INSTANCE_TYPE", "ml.m5.large"},
      {"SM_CURRENT_INSTANCE_GROUP", "homogeneousCluster"},
      {"SM_NETWORK_INTERFACE_NAME", "eth0"},
      {"SM_NUM_CPUS", "8"},
      {"SM_NUM_GPUS", "2"},
      {"SM_MODEL_DIR", "/opt/ml/model"},
      {"SM_MODULE_DIR", "/opt/ml/code"},
      {"SM_INPUT_DIR", "/opt/ml/input"},
      {"SM_INPUT_CONFIG_DIR", "/opt/ml/input/config"},
      {"SM_OUTPUT_DIR", "/opt/ml/output"},
      {"SM_OUTPUT_DATA_DIR", "/opt/ml/output/data"},
      {"SM_OUTPUT_INTERMEDIATE_DIR", "/opt/ml/output/intermediate"},
      {"SM_LOG_LEVEL", "20"}};
  CHECK(json::parse(env.at("SM_RESOURCE_CONFIG"))["current_host"] == "algo-1");
  CHECK(json::parse(env.at("SM_INPUT_DATA_CONFIG"))["train"]["TrainingInputMode"] == "File");
  env.erase("SM_RESOURCE_CONFIG");
  env.erase("SM_INPUT_DATA_CONFIG");
  CHECK(json(env) == json(expected));
}

TEST_CASE("a program finds a key for its own places in S3, unless it has credentials of its own or no network") {
  Instance instance;
  InstanceFacts facts;
  facts.s3 = S3Access{"http://h:1", "HFATTEMPT.1.job", "hush"};
  auto env = program_environment(instance.spec, facts);
  CHECK(env.at("AWS_ACCESS_KEY_ID") == "HFATTEMPT.1.job");
  CHECK(env.at("AWS_SECRET_ACCESS_KEY") == "hush");
  CHECK(env.at("AWS_ENDPOINT_URL") == "http://h:1");
  CHECK(env.at("S3_ENDPOINT_URL") == "http://h:1");
  instance.spec.network_isolation = true;
  CHECK_FALSE(program_environment(instance.spec, facts).contains("AWS_ACCESS_KEY_ID"));
  instance.spec.network_isolation = false;
  instance.spec.environment = {{"AWS_PROFILE", "mine"}};
  env = program_environment(instance.spec, facts);
  CHECK_FALSE(env.contains("AWS_SECRET_ACCESS_KEY"));
  CHECK_FALSE(env.contains("AWS_ENDPOINT_URL"));
}

TEST_CASE("the user's environment wins, but a job cannot be given another name") {
  Instance instance;
  instance.spec.environment = {
      {"SM_MODEL_DIR", "/mine"}, {"PYTHONUNBUFFERED", ""}, {"TRAINING_JOB_NAME", "other"}, {"X", "y"}};
  const auto env = program_environment(instance.spec, {});
  CHECK(env.at("SM_MODEL_DIR") == "/mine");
  CHECK(env.at("PYTHONUNBUFFERED").empty());
  CHECK(env.at("X") == "y");
  CHECK(env.at("TRAINING_JOB_NAME") == "digits-1");
}

TEST_CASE("the command is the entrypoint with its arguments, or what the image does by itself") {
  job::JobSpec spec;
  spec.image = "/srv/image";
  CHECK(*program_command(spec) == std::vector<std::string>{"train"});
  spec.arguments = {"serve", "-x"};
  CHECK(*program_command(spec) == std::vector<std::string>{"serve", "-x"});
  spec.entrypoint = {"python3", "t.py"};
  CHECK(*program_command(spec) == std::vector<std::string>{"python3", "t.py", "serve", "-x"});
  spec.arguments.clear();
  CHECK(*program_command(spec) == std::vector<std::string>{"python3", "t.py"});

  spec.image = "local:host";
  CHECK(*program_command(spec) == std::vector<std::string>{"python3", "t.py"});
  spec.entrypoint.clear();
  spec.arguments = {"x"};
  const auto none = program_command(spec);
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == Kind::invalid);
  CHECK(none.error().message.find("ContainerEntrypoint") != std::string::npos);
}

TEST_CASE("the failure text is cut to 1024 characters of valid UTF-8") {
  Instance instance;
  const auto layout = instance.laid_out();
  const auto failure_of = [&](const std::string& bytes) {
    std::ofstream{layout.failure} << bytes;
    return read_failure(layout);
  };
  CHECK(read_failure(layout).empty());
  CHECK(failure_of("ValueError: no data\n") == "ValueError: no data\n");
  CHECK(failure_of(std::string(5000, 'x')) == std::string(1024, 'x'));
  std::string crabs, expected;
  for (int i = 0; i < 2000; ++i) crabs += "\xF0\x9F\xA6\x80";
  for (int i = 0; i < 1024; ++i) expected += "\xF0\x9F\xA6\x80";
  CHECK(failure_of(crabs) == expected);
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(failure_of("a\xFF"
                   "b\xC3\xA9"
                   "c\xC3") == "a" + mark +
                                   "b\xC3\xA9"
                                   "c" +
                                   mark);
  CHECK(failure_of("\xED\xA0\x80") == mark + mark + mark);  // half of a pair
  CHECK(failure_of("\xC0\xAF\xF4\x90\x80\x80") == mark + mark + mark + mark + mark + mark);
}

TEST_CASE("a failure that the program did not write as a file is not read") {
  Instance instance;
  const auto layout = instance.laid_out();
  std::ofstream{instance.directory / "secret"} << "s3cr3t";
  fs::create_symlink(instance.directory / "secret", layout.failure);
  CHECK(read_failure(layout).empty());
  fs::remove(layout.failure);
  REQUIRE(::mkfifo(layout.failure.c_str(), 0600) == 0);
  CHECK(read_failure(layout).empty());
  fs::remove_all(layout.ml / "output");
  fs::create_directory(instance.directory / "elsewhere");
  fs::rename(instance.directory / "secret", instance.directory / "elsewhere/failure");
  fs::create_symlink(instance.directory / "elsewhere", layout.ml / "output");
  CHECK(read_failure(layout).empty());
}

TEST_CASE("the notice says until when, and a later one replaces it") {
  Instance instance;
  const auto layout = instance.laid_out();
  REQUIRE(write_notice(layout, from_ms(1700000000123), "spot reclaim"));
  CHECK(text_of(layout.notice) ==
        R"({"deadline":"2023-11-14T22:13:20.123Z","deadline_epoch_ms":1700000000123,"reason":"spot reclaim"})");
  REQUIRE(write_notice(layout, from_ms(0), "stop"));
  CHECK(json::parse(text_of(layout.ml / "input/config/interruption-notice.json"))["deadline_epoch_ms"] == 0);
}
