#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "cli/answers.hpp"
#include "cli/commands.hpp"
#include "cli/fake_service.hpp"
#include "cli/temporary_folder.hpp"

using namespace holdfast;
using namespace holdfast::cli;
using nlohmann::json;

namespace {

struct Scene {
  FakeService service;
  std::ostringstream out, err;
  Terminal terminal{out, err, false};
  FakePause pause{0};
  FixedClock clock;

  int perform(const Request& request) { return cli::perform({service, terminal, pause, clock, "/home/me"}, request); }
};

RunOptions spot_run() {
  RunOptions options;
  options.command = {"python3", "train.py"};
  options.spot = true;
  options.checkpoint = "s3://mine/ckpt";
  options.hyperparameters = {{"epochs", "10"}};
  options.metrics = {{"accuracy", "accuracy=([0-9.]+)"}};
  return options;
}

}  // namespace

TEST_CASE("a job's name says what runs and when") {
  const auto now = from_ms(1700000000123);
  CHECK(name_for({"python3", "-u", "dir/train.py", "--x"}, now) == "train-20231114-221320-123");
  CHECK(name_for({"./my prog.sh"}, now) == "my-prog-20231114-221320-123");
  CHECK(name_for({"bash", "-c", "echo hi; true"}, now) == "bash-20231114-221320-123");
  CHECK(name_for({"___"}, now) == "job-20231114-221320-123");
  CHECK(name_for({std::string(200, 'x')}, now).size() <= 63);
}

TEST_CASE("run asks for what its options say, in the words of CreateTrainingJob") {
  const auto request = training_job_request(spot_run(), "n", {{"train", "s3://b/p"}}, "/home/me");
  CHECK(request["AlgorithmSpecification"]["ContainerEntrypoint"] == json{"python3", "train.py"});
  CHECK(request["AlgorithmSpecification"]["TrainingImage"] == "local:host");
  CHECK(request["AlgorithmSpecification"]["MetricDefinitions"][0]["Name"] == "accuracy");
  CHECK(request["StoppingCondition"] == json{{"MaxRuntimeInSeconds", 3600}, {"MaxWaitTimeInSeconds", 7200}});
  CHECK(request["CheckpointConfig"]["S3Uri"] == "s3://mine/ckpt");
  CHECK(request["HyperParameters"]["epochs"] == "10");
  CHECK(request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://b/p");
  CHECK(request["Tags"] == json::array({{{"Key", "holdfast:working-directory"}, {"Value", "/home/me"}}}));
}

TEST_CASE("what run says of checkpoints goes along as tags") {
  auto options = spot_run();
  options.keep = 5;
  options.checkpoint_markers = "off";
  options.checkpoint_bandwidth = "12.5";
  const auto tags = training_job_request(options, "n", {}, "/home/me")["Tags"];
  for (const auto& [key, value] :
       {std::pair{"holdfast:checkpoint-keep", "5"}, std::pair{"holdfast:checkpoint-markers", "off"},
        std::pair{"holdfast:checkpoint-bandwidth", "12.5"}})
    CHECK(std::ranges::count(tags, json{{"Key", key}, {"Value", value}}) == 1);
}

TEST_CASE("an on-demand job has no wait, and an image of one's own no working directory") {
  RunOptions options;
  options.command = {"train"};
  options.image = "/images/mine";
  const auto request = training_job_request(options, "n", {}, "/home/me");
  CHECK_FALSE(request["StoppingCondition"].contains("MaxWaitTimeInSeconds"));
  CHECK_FALSE(request.contains("Tags"));
  CHECK_FALSE(request.contains("CheckpointConfig"));
  CHECK_FALSE(request.contains("InputDataConfig"));
}

TEST_CASE("a command longer than an entrypoint may be goes on in the arguments") {
  RunOptions options;
  for (int i = 0; i < 12; ++i) options.command.push_back(std::to_string(i));
  const auto algorithm = training_job_request(options, "n", {}, "/")["AlgorithmSpecification"];
  CHECK(algorithm["ContainerEntrypoint"].size() == 10);
  CHECK(algorithm["ContainerArguments"] == json{"10", "11"});
}

TEST_CASE("run makes the buckets, uploads folders as channels, follows, and says how it ended") {
  test::TemporaryFolder folder;
  folder.write("digits.npz", "bytes");
  folder.write("more/labels.csv", "1");
  Scene scene;
  auto options = spot_run();
  options.name = "train-1";
  options.inputs = {{"train", folder.path().string()}, {"extra", "s3://elsewhere/p"}};
  scene.service.answers["SageMaker.CreateTrainingJob"] = {json{{"TrainingJobArn", "arn"}}};
  scene.service.answers["SageMaker.DescribeTrainingJob"] = {
      job_answer("Completed", {"Starting", "Interrupted", "Training", "Completed"},
                 {{"TrainingTimeInSeconds", 30},
                  {"BillableTimeInSeconds", 10},
                  {"ModelArtifacts", {{"S3ModelArtifacts", "s3://holdfast/output/train-1/output/model.tar.gz"}}},
                  {"FinalMetricDataList", json::array({{{"MetricName", "accuracy"}, {"Value", 0.95}}})}})};
  scene.service.answers["Logs_20140328.DescribeLogStreams"] = {json::object()};
  CHECK(scene.perform(options) == kExitDone);
  CHECK(scene.service.buckets[0] == "holdfast");
  CHECK(scene.service.buckets[1] == "mine");
  CHECK(scene.service.objects.count("holdfast/input/train-1/train/digits.npz") == 1);
  CHECK(scene.service.objects.count("holdfast/input/train-1/train/more/labels.csv") == 1);
  const auto sent = scene.service.bodies("SageMaker.CreateTrainingJob").at(0);
  CHECK(sent["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://holdfast/input/train-1/train/");
  CHECK(sent["InputDataConfig"][1]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://elsewhere/p");
  CHECK(
      scene.out.str().ends_with("Training seconds: 30\n"
                                "Billable seconds: 10\n"
                                "Managed Spot Training savings: 66.7%\n"
                                "Interruptions: 1\n"
                                "Metric accuracy: 0.95\n"
                                "Model: s3://holdfast/output/train-1/output/model.tar.gz\n"));
}

TEST_CASE("leaving a running job says how to come back and how to stop it") {
  Scene scene;
  auto options = spot_run();
  options.name = "train-1";
  scene.service.answers["SageMaker.CreateTrainingJob"] = {json::object()};
  scene.service.answers["SageMaker.DescribeTrainingJob"] = {job_answer("InProgress", {"Starting"})};
  scene.service.answers["Logs_20140328.DescribeLogStreams"] = {json::object()};
  CHECK(scene.perform(options) == kExitDetached);
  CHECK(scene.out.str().find("holdfast logs -f train-1") != std::string::npos);
  CHECK(scene.out.str().find("holdfast stop train-1") != std::string::npos);
}

TEST_CASE("a refused job is an error with the service's own words, and nothing is followed") {
  Scene scene;
  scene.service.answers["SageMaker.CreateTrainingJob"] = {fail(Kind::invalid, "ResourceInUse: name taken")};
  CHECK(scene.perform(spot_run()) == kExitNoAnswer);
  CHECK(scene.err.str() ==
        "holdfast: creating the training job train-20231114-221320-123: ResourceInUse: name taken\n");
  CHECK(scene.service.bodies("SageMaker.DescribeTrainingJob").empty());
}

TEST_CASE("the exit code tells how the job ended") {
  CHECK(exit_code(*parse_job(job_answer("Completed", {"Completed"}))) == kExitDone);
  CHECK(exit_code(*parse_job(job_answer("Failed", {"Failed"}))) == kExitJobFailed);
  CHECK(exit_code(*parse_job(job_answer("Stopped", {"MaxWaitTimeExceeded"}))) == kExitJobStopped);
}

TEST_CASE("a job that never had an instance has no seconds, and a failed one its reason") {
  CHECK(final_summary(*parse_job(job_answer("Stopped", {"Stopped"}))) == "Interruptions: 0\n");
  const auto failed = parse_job(job_answer("Failed", {"Failed"}, {{"FailureReason", "AlgorithmError: x"}}));
  CHECK(final_summary(*failed).starts_with("Failure reason: AlgorithmError: x\n"));
}

TEST_CASE("jobs is a table of the newest") {
  Scene scene;
  scene.service.answers["SageMaker.ListTrainingJobs"] = {
      json{{"TrainingJobSummaries", json::array({{{"TrainingJobName", "train-1"}}})}, {"NextToken", "t"}},
      json{{"TrainingJobSummaries", json::array()}}};
  scene.service.answers["SageMaker.DescribeTrainingJob"] = {job_answer("InProgress", {"Training"})};
  CHECK(scene.perform(JobsOptions{}) == kExitDone);
  CHECK(scene.out.str() ==
        "NAME     STATUS      SECONDARY  AGE  TRAINING SECONDS\n"
        "train-1  InProgress  Training   9s   -\n");
  CHECK(scene.service.bodies("SageMaker.ListTrainingJobs").at(1)["NextToken"] == "t");
}

TEST_CASE("describe shows the statuses and the ledger, or the answer as it is") {
  Scene scene;
  scene.service.answers["SageMaker.DescribeTrainingJob"] = {
      job_answer("Completed", {"Starting", "Training", "Completed"}, {{"TrainingTimeInSeconds", 4}})};
  scene.service.answers["Holdfast.DescribeTrainingRun"] = {
      json{{"Attempts", 3},
           {"Interruptions", 2},
           {"LastGeneration", {{"Fence", 7}, {"Sequence", 2}}},
           {"LedgerInSeconds", {{"Training", 3.25}, {"Lost", 0.5}}},
           {"CostInDollars", 0.000123}}};
  CHECK(scene.perform(DescribeOptions{"train-1", false}) == kExitDone);
  const std::string page = scene.out.str();
  for (const char* part : {"3, interrupted 2 times", "7.2", "$0.000123", "Training  3.2", "Lost      0.5s",
                           "about Training", "Training seconds: 4"}) {
    CAPTURE(part);
    CHECK(page.find(part) != std::string::npos);
  }
  scene.out.str("");
  CHECK(scene.perform(DescribeOptions{"train-1", true}) == kExitDone);
  CHECK(json::parse(scene.out.str())["TrainingJobStatus"] == "Completed");
}

TEST_CASE("interrupt and stop name the job and the notice") {
  Scene scene;
  scene.service.answers["Holdfast.InterruptTrainingJob"] = {json::object()};
  scene.service.answers["SageMaker.StopTrainingJob"] = {json::object()};
  CHECK(scene.perform(InterruptOptions{"train-1", 30}) == kExitDone);
  CHECK(scene.perform(StopOptions{"train-1"}) == kExitDone);
  CHECK(scene.service.calls.at(0).second == json{{"TrainingJobName", "train-1"}, {"NoticeInSeconds", 30}});
  CHECK(scene.service.calls.at(1).second == json{{"TrainingJobName", "train-1"}});
}

TEST_CASE("cp keeps a file's name below a prefix, and takes a key as it is") {
  test::TemporaryFolder folder;
  folder.write("a.csv", "1");
  const std::string file = (folder.path() / "a.csv").string();
  FakeService service;
  CHECK(upload(service, file, "s3://b").value() == 1);
  CHECK(upload(service, file, "s3://b/p/").value() == 1);
  CHECK(upload(service, file, "s3://b/key").value() == 1);
  CHECK(upload(service, folder.path().string(), "s3://b/dir").value() == 1);
  for (const char* key : {"b/a.csv", "b/p/a.csv", "b/key", "b/dir/a.csv"}) CHECK(service.objects.count(key) == 1);
  CHECK_FALSE(upload(service, file + "x", "s3://b").has_value());
  CHECK_FALSE(upload(service, file, "nowhere").has_value());
}

TEST_CASE("cp brings one object to a file, or into a folder under its own name") {
  test::TemporaryFolder folder;
  Scene scene;
  const std::string into = folder.path().string();
  CHECK(scene.perform(CopyOptions{"s3://b/job/model.tar.gz", into}) == kExitDone);
  CHECK(scene.service.downloads["b/job/model.tar.gz"] == into + "/model.tar.gz");
  CHECK(download(scene.service, "s3://b/k", into + "/named").value() == into + "/named");
  CHECK_FALSE(download(scene.service, "s3://b/folder/", into).has_value());
  CHECK_FALSE(download(scene.service, "s3://b", into).has_value());
}
