// The whole service in one process: real rules, signatures, engine and database; the test turns the engine by hand.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "api/agent_access.hpp"
#include "api/memory_telemetry.hpp"
#include "api/service.hpp"
#include "aws/sigv4.hpp"
#include "engine/engine.hpp"
#include "engine/fake_provider.hpp"
#include "objects/file_store.hpp"
#include "store/metric_store.hpp"
#include "store/sqlite_algorithms.hpp"
#include "store/sqlite_store.hpp"
#include "support/manual_clock.hpp"

namespace holdfast::testing {

using nlohmann::json;

inline const aws::Credentials kUser{"AKIDTEST", "the-secret", ""};

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-api-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

struct ServiceWorld {
  TemporaryDirectory directory;
  ManualClock clock;
  SeededRandom random{1};
  std::unique_ptr<ports::JobStore> store = std::move(*store::open_sqlite_store(":memory:"));
  std::unique_ptr<ports::AlgorithmStore> algorithms = std::move(*store::open_sqlite_algorithms(":memory:"));
  std::unique_ptr<telemetry::FileLogs> log_store =
      std::move(*telemetry::FileLogs::open(directory.path / "logs", clock));
  MemoryTelemetry telemetry{*log_store};
  std::unique_ptr<objects::FileStore> object_store =
      std::move(*objects::FileStore::open(directory.path / "objects", objects::Durability::process));
  objects::FileStore& objects = *object_store;
  std::unique_ptr<ports::MetricStore> metrics = std::move(*store::open_metric_store(":memory:", clock));
  FakeProvider provider;
  engine::Engine engine{clock, *store, provider, [](const job::JobSpec&, Instant, Fence) { return std::string("{}"); }};
  aws::Credentials signer = kUser;  // who sends what is sent next
  api::KeyRing keys{directory.path / "keys.json"};
  std::unique_ptr<api::Service> service;

  ServiceWorld() {
    REQUIRE(engine.recover());
    provider.on_event([this](ports::CapacityEvent event) { engine.on_capacity_event(std::move(event)); });
    service = std::make_unique<api::Service>(
        api::ServiceParts{engine, *store, telemetry, objects, *log_store, clock, random, "123456789012", "us-east-1",
                          kUser, &keys, "agents-secret", directory.path / "uploads", *metrics, *algorithms});
    REQUIRE(objects.create_bucket("bkt"));
  }

  // As the server does it: plan, body in blocks, handle.
  http::Response send(http::Request request) {
    auto plan = service->plan(request.head);
    if (plan.refuse) return std::move(*plan.refuse);
    if (request.body.size() > plan.limit) return service->failure(&request.head, 413, "too large");
    if (plan.sink) {
      const std::string body = std::move(request.body);
      request.body.clear();
      for (std::size_t at = 0; at < body.size(); at += 7) {
        if (auto written = plan.sink->write(std::string_view(body).substr(at, 7)); !written)
          return service->failure(&request.head, 400, written.error().message);
      }
    }
    struct Slot {
      std::mutex mutex;
      std::optional<http::Response> response;
    };
    const auto slot = std::make_shared<Slot>();
    service->handle(std::move(request), std::move(plan.sink), http::Reply([slot](http::Response response) {
                      const std::lock_guard lock(slot->mutex);
                      slot->response = std::move(response);
                    }));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      engine.run_until_idle();
      const std::lock_guard lock(slot->mutex);
      if (slot->response) return std::move(*slot->response);
      std::this_thread::yield();
    }
    FAIL("no answer");
    return {};
  }

  http::Request request(const std::string& method, const std::string& target, const std::string& body,
                        http::Headers headers, const std::string& service_name, std::optional<Instant> signed_at = {},
                        const std::string& host = "localhost") {
    // What is to be signed in the body's place may be given as that header; sign() then says it.
    const auto given = headers.get("x-amz-content-sha256");
    const std::string body_hash = given.empty() ? aws::sha256_hex(body) : std::string(given);
    http::Request made{{method, target, {{"host", host}}, "127.0.0.1:1"}, body};
    for (const auto& [name, value] : headers)
      if (!http::equals_ignoring_case(name, "x-amz-content-sha256")) made.head.headers.add(name, value);
    const aws::SignedRequest to_sign{method,
                                     std::string(made.head.path()),
                                     std::string(made.head.query()),
                                     {made.head.headers.begin(), made.head.headers.end()},
                                     body_hash};
    for (auto& [name, value] : aws::sign(to_sign, signer, "us-east-1", service_name, signed_at.value_or(clock.now())))
      made.head.headers.set(name, value);
    return made;
  }

  http::Request json_request(const std::string& target, const json& body) {
    return request("POST", "/", body.dump(), {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", target}},
                   target.starts_with("Logs") ? "logs" : "sagemaker");
  }
  http::Response call(const std::string& target, const json& body) { return send(json_request(target, body)); }
  // The output of a call that must succeed.
  json ok(const std::string& target, const json& body) {
    const auto response = call(target, body);
    INFO(response.body);
    REQUIRE(response.status == 200);
    REQUIRE(response.headers.find("x-amzn-RequestId"));
    return response.body.empty() ? json() : json::parse(response.body);
  }
  // "Code: message" of a call that must not.
  std::string error(const std::string& target, const json& body) { return error_of(call(target, body)); }
  static std::string error_of(const http::Response& response) {
    INFO(response.body);
    REQUIRE(response.status >= 400);
    const json body = json::parse(response.body);
    CHECK(response.headers.get("x-amzn-ErrorType") == body.at("__type").get<std::string>());
    return body.at("__type").get<std::string>() + ": " + body.at("message").get<std::string>();
  }

  http::Response s3(const std::string& method, const std::string& target, const std::string& body = "",
                    http::Headers headers = {}) {
    return send(request(method, target, body, std::move(headers), "s3"));
  }

  http::Response agent(const std::string& operation, const json& body, const std::string& token) {
    return send({{"POST",
                  "/",
                  {{"X-Amz-Target", "Holdfast." + operation}, {"Authorization", "Bearer " + token}},
                  "127.0.0.1:1"},
                 body.dump()});
  }
  std::string token(const std::string& job, std::uint64_t fence) {
    return api::agent_token("agents-secret", JobName{job}, Fence{fence});
  }

  static json job_request(const std::string& name) {
    return {{"TrainingJobName", name},
            {"AlgorithmSpecification",
             {{"TrainingImage", "local:host"},
              {"TrainingInputMode", "File"},
              {"ContainerEntrypoint", {"python3", "train.py"}},
              {"MetricDefinitions", {{{"Name", "loss"}, {"Regex", "loss=([0-9.]+)"}}}}}},
            {"RoleArn", "arn:aws:iam::123456789012:role/r"},
            {"OutputDataConfig", {{"S3OutputPath", "s3://bkt/out"}}},
            {"ResourceConfig", {{"InstanceType", "ml.m5.large"}, {"InstanceCount", 1}, {"VolumeSizeInGB", 1}}},
            {"StoppingCondition", {{"MaxRuntimeInSeconds", 3600}, {"MaxWaitTimeInSeconds", 7200}}},
            {"EnableManagedSpotTraining", true},
            {"Tags", {{{"Key", "team"}, {"Value", "a"}}}}};
  }
  void create(const std::string& name) { ok("SageMaker.CreateTrainingJob", job_request(name)); }
};

}  // namespace holdfast::testing
