// Each operation of the JSON protocol, on a service that has one training job, by the name of "train", at work. A line
// with the operation's target, then the request's body; as many pairs as there are, one after the other.
#include <nlohmann/json.hpp>
#include <optional>

#include "api/memory_objects.hpp"
#include "api/memory_telemetry.hpp"
#include "api/protocol.hpp"
#include "api/rules.hpp"
#include "engine/fake_provider.hpp"
#include "fuzz/input.hpp"
#include "fuzz/memory_file.hpp"
#include "store/metric_store.hpp"
#include "store/sqlite_algorithms.hpp"
#include "store/sqlite_store.hpp"
#include "support/manual_clock.hpp"

namespace holdfast::fuzz {
namespace {

using nlohmann::json;

constexpr const char* kJob = R"json({"TrainingJobName": "train",
    "AlgorithmSpecification": {"TrainingImage": "/usr", "TrainingInputMode": "File",
                               "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]},
    "RoleArn": "arn:aws:iam::123456789012:role/r", "OutputDataConfig": {"S3OutputPath": "s3://bkt/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
    "EnableManagedSpotTraining": true})json";
constexpr Fence kFence{1};
constexpr int kMaxCalls = 8;
const api::Principal kEverybody{"everybody", {.admin = true}};

class World {
 public:
  World() {
    ENSURE(engine_.recover(), "an empty database");
    provider_.on_event([this](ports::CapacityEvent event) { engine_.on_capacity_event(std::move(event)); });
    ENSURE(objects_.create_bucket("bkt"), "a bucket");
    ENSURE(call("SageMaker.CreateTrainingJob", json::parse(kJob)).has_value(), "the job of every input");
    provider_.up(kFence);
    for (const auto* event : {R"({"is": "AgentStarted", "fence": 1})", R"({"is": "ProgramStarted", "fence": 1})"})
      ENSURE(report(event), "the job of every input must be at work");
  }

  // As api/service hands it on: an object without nulls, and from an agent only what is its own.
  void ask(std::string_view target, std::string_view text) {
    auto body = api::parse_body(text);
    if (!body) return;
    for (auto member = body->begin(); member != body->end();)
      member = member->is_null() ? body->erase(member) : std::next(member);
    const auto* entry = api::find_operation(target);
    if (!entry) return;
    if (entry->caller == api::Caller::agent) {
      (*body)["TrainingJobName"] = "train";
      (*body)["Fence"] = kFence.value;
    }
    const auto outcome = call(target, *body);
    if (outcome) {
      deleted_ = deleted_ || target == "SageMaker.DeleteTrainingJob";
      ENSURE(outcome->empty() || json::accept(*outcome), "{} answers no JSON: {}", target, *outcome);
    } else {
      ENSURE(outcome.error().status < 500, "{}: {}", target, outcome.error().message);
      ENSURE(json::accept(api::to_json(outcome.error())), "{}: an error that is no JSON", target);
    }
  }

  void let_time_pass() {
    clock_.advance(hours{1});
    engine_.run_until_idle();
    clock_.advance(hours{24 * 30});
    engine_.run_until_idle();
  }

  // The engine's own checks: a job must not be lost on the way into the store and back.
  void check_store() {
    const auto stored = store_->find(JobName{"train"});
    ENSURE(stored || deleted_, "{}", stored.error().message);
    const auto live = store_->live_jobs();
    ENSURE(live, "{}", live.error().message);
    ENSURE(live->size() == engine_.live_jobs(), "the engine has {} jobs, the store {}", engine_.live_jobs(),
           live->size());
  }

 private:
  api::Outcome call(std::string_view target, const json& body) {
    const auto answer = std::make_shared<std::optional<api::Outcome>>();  // shared with a wait that is never answered
    api::find_operation(target)->run({backends_, specs_, body, kEverybody}, [answer](api::Outcome outcome) {
      ENSURE(!answer->has_value(), "two answers to one request");
      *answer = std::move(outcome);
    });
    engine_.run_until_idle();
    if (!*answer) {
      clock_.advance(engine::kMaxOrderWait);
      engine_.run_until_idle();
    }
    ENSURE(answer->has_value(), "{} is never answered", target);
    return **answer;
  }
  bool report(const char* event) {
    const json body{{"TrainingJobName", "train"}, {"Fence", kFence.value}, {"Events", {json::parse(event)}}};
    return call("Holdfast.AgentReport", body).has_value();
  }

  bool deleted_ = false;  // a job, by request: perhaps that of every input
  testing::ManualClock clock_;
  std::unique_ptr<ports::JobStore> store_ = std::move(*store::open_sqlite_store(":memory:"));
  std::unique_ptr<ports::AlgorithmStore> algorithms_ = std::move(*store::open_sqlite_algorithms(":memory:"));
  MemoryPlace place_;
  std::unique_ptr<telemetry::FileLogs> logs_ = std::move(*telemetry::FileLogs::open(place_.path(), clock_));
  testing::MemoryTelemetry telemetry_{*logs_};
  testing::MemoryObjects objects_;
  testing::FakeProvider provider_;
  engine::Engine engine_{clock_, *store_, provider_,
                         [](const job::JobSpec&, Instant, Fence) { return std::string("{}"); }};
  std::unique_ptr<ports::MetricStore> metrics_ = std::move(*store::open_metric_store(":memory:", clock_));
  api::Counters counters_;
  api::Backends backends_{engine_,      *store_, telemetry_, objects_, "123456789012", "us-east-1",
                          *algorithms_, *logs_,  *metrics_,  clock_,   counters_};
  api::SpecCache specs_{*store_};
};

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace holdfast;
  fuzz::Input input(bytes, size);
  fuzz::World world;
  for (int i = 0; i < fuzz::kMaxCalls && !input.empty(); ++i) {
    const auto target = input.line();
    world.ask(target, input.line());
  }
  world.check_store();
  world.let_time_pass();
  world.check_store();
  return 0;
}
