#include "sim/user.hpp"

#include <nlohmann/json.hpp>

#include "base/ensure.hpp"

namespace holdfast::sim {
namespace {

using nlohmann::json;

constexpr Duration kPatience = seconds{70};
constexpr double kImpatient = 0.3;
constexpr Duration kAgainAfter = seconds{5};
constexpr Duration kLookEvery = minutes{30};  // in the mean

std::string request_of(const JobPlan& job) {
  json request = {
      {"TrainingJobName", job.name},
      {"AlgorithmSpecification",
       {{"TrainingImage", "local:host"}, {"TrainingInputMode", "File"}, {"ContainerEntrypoint", {"train"}}}},
      {"RoleArn", "arn:aws:iam::000000000000:role/r"},
      {"OutputDataConfig", {{"S3OutputPath", std::string("s3://") + kBucket + "/out"}}},
      {"ResourceConfig", {{"InstanceType", "ml.m5.large"}, {"InstanceCount", 1}, {"VolumeSizeInGB", 1}}},
      {"StoppingCondition", {{"MaxRuntimeInSeconds", job.max_runtime.count() / 1000}}},
      {"EnableManagedSpotTraining", job.spot}};
  if (job.spot) request["StoppingCondition"]["MaxWaitTimeInSeconds"] = job.max_wait.count() / 1000;
  if (job.max_retries > 0) request["RetryStrategy"] = {{"MaximumRetryAttempts", job.max_retries}};
  if (job.checkpoint) {
    request["CheckpointConfig"] = {{"S3Uri", std::string("s3://") + kBucket + "/" + Users::checkpoint_place(job.name)}};
  }
  if (job.channel) {
    request["InputDataConfig"] = {
        {{"ChannelName", "train"},
         {"DataSource",
          {{"S3DataSource", {{"S3DataType", "S3Prefix"}, {"S3Uri", std::string("s3://") + kBucket + "/data/"}}}}}}};
  }
  return request.dump();
}

std::string named(const JobPlan& job) { return json{{"TrainingJobName", job.name}}.dump(); }

}  // namespace

Users::Users(const Plan& plan, Scheduler& scheduler, Recorder& recorder, Network& network, Dice& dice)
    : plan_(plan), scheduler_(scheduler), recorder_(recorder), network_(network), dice_(dice) {
  for (const auto& job : plan_.jobs) {
    scheduler_.after(job.submitted, [this, &job] { create(job); });
  }
}

void Users::ask(const std::string& operation, const std::string& body, ServiceProcess::Reply next) {
  const auto answered = std::make_shared<bool>(false);
  const auto once = [answered, next](std::optional<api::Outcome> outcome) {
    if (!std::exchange(*answered, true)) next(std::move(outcome));
  };
  const auto* entry = api::find_operation("SageMaker." + operation);
  ENSURE(entry, "{} is no operation", operation);
  network_.call(*entry, body, never_cut_, once);
  scheduler_.after(kPatience, [once] { once(std::nullopt); });
}

void Users::create(const JobPlan& job) {
  // Some are impatient, and ask twice at once.
  if (dice_.chance(kImpatient)) ask_to_create(job);
  ask_to_create(job);
}

void Users::ask_to_create(const JobPlan& job) {
  ask("CreateTrainingJob", request_of(job), [this, &job](std::optional<api::Outcome> outcome) {
    if (outcome && *outcome) return accepted(job);
    if (outcome && outcome->error().status == 400) {
      // Asked twice, or by a network that says it twice: the name is taken, by ourselves.
      const bool taken = outcome->error().code == "ResourceInUse";
      ENSURE(taken, "{} was refused: {}", job.name, outcome->error().message);
      return accepted(job);
    }
    if (accepted_.contains(job.name)) return;
    scheduler_.after(kAgainAfter, [this, &job] { ask_to_create(job); });
  });
}

void Users::accepted(const JobPlan& job) {
  if (!accepted_.insert(job.name).second) return;
  Accepted accepted;
  accepted.job = JobName{job.name};
  accepted.spot = job.spot;
  accepted.max_runtime = job.max_runtime;
  if (job.spot) accepted.max_wait = job.max_wait;
  if (job.checkpoint) accepted.checkpoint_uri = std::string("s3://") + kBucket + "/" + checkpoint_place(job.name);
  accepted.max_retries = job.max_retries;
  recorder_.record({scheduler_.now(), accepted});
  if (job.stopped) scheduler_.after(*job.stopped, [this, &job] { stop(job); });
  look(job);
}

void Users::stop(const JobPlan& job) {
  ask("StopTrainingJob", named(job), [this, &job](std::optional<api::Outcome> outcome) {
    if (outcome && *outcome) return recorder_.record({scheduler_.now(), StopAcked{JobName{job.name}}});
    if (outcome && outcome->error().status == 400) return;  // it has ended, or is being stopped, already
    scheduler_.after(kAgainAfter, [this, &job] { stop(job); });
  });
}

void Users::look(const JobPlan& job) {
  scheduler_.after(dice_.wait_for(kLookEvery) + Duration{1}, [this, &job] {
    ask("DescribeTrainingJob", named(job), [this, &job, asked = scheduler_.now()](std::optional<api::Outcome> outcome) {
      if (outcome && *outcome) {
        const auto seen = json::parse(**outcome);
        recorder_.record({scheduler_.now(), Described{JobName{job.name}, seen.at("TrainingJobStatus"),
                                                      seen.at("SecondaryStatus"), asked}});
        // Once more after its end, to see that it stays so.
        if (seen.contains("TrainingEndTime") && dice_.chance(0.5)) return;
      }
      look(job);
    });
  });
}

}  // namespace holdfast::sim
