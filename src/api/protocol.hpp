// From a target to the operation that answers it, and what every operation works with.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "api/counters.hpp"
#include "api/errors.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "engine/engine.hpp"
#include "ports/job_store.hpp"
#include "ports/metrics.hpp"
#include "ports/object_store.hpp"
#include "ports/telemetry.hpp"

namespace holdfast::api {

struct Shape;

constexpr std::size_t kMaxRememberedSpecs = 1024;

// The part of the world that operations may touch, and who we are in ARNs.
struct Backends {
  engine::Engine& engine;
  ports::JobStore& store;
  ports::Telemetry& telemetry;
  ports::ObjectStore& objects;
  std::string account;  // 12 digits
  std::string region;
  ports::MetricStore& metrics;
  Clock& clock;
  Counters& counters;
};

// An agent reports every few seconds and each time needs its job's metrics. A spec never changes, so it is read once.
// Thread-safe.
class SpecCache {
 public:
  explicit SpecCache(ports::JobStore& store) : store_(store) {}
  // Kind::not_found: a name never used.
  Result<std::shared_ptr<const job::JobSpec>> get(const JobName& name);

 private:
  ports::JobStore& store_;
  std::mutex mutex_;
  std::map<JobName, std::shared_ptr<const job::JobSpec>> specs_;  // shared with the requests that use them
};

// The text of the answer's body; empty where the operation has no output.
using Outcome = tl::expected<std::string, ApiError>;
// Called exactly once, from any thread, the engine's included.
using Answer = std::function<void(Outcome)>;

struct Call {
  const Backends& backends;
  SpecCache& specs;
  const nlohmann::json& request;     // an object
  std::string_view access_key = {};  // of the user who asks; empty for an agent
};

// May block: it runs on a worker thread. What it hands to the engine must not refer to the Call, only to backends.
using Operation = void (*)(const Call& call, Answer answer);

enum class Caller { user, agent };

struct OperationEntry {
  std::string_view target;   // "SageMaker.CreateTrainingJob"
  std::string_view service;  // what a user's signature must be for
  Caller caller = Caller::user;
  Operation run = nullptr;
  // What to read a form or CBOR as, and what to write their answers as; without the first, an operation is asked for in
  // JSON only, and without the second it has no output.
  const Shape& (*input)() = nullptr;
  const Shape& (*output)() = nullptr;
};
// Null: no such operation.
const OperationEntry* find_operation(std::string_view target);

// How an operation says that something below it did not work. What is not the caller's doing goes to the log.
ApiError to_api_error(const Error& error);
std::string dump(const nlohmann::json& json);
// Seconds since the epoch with milliseconds as their fraction.
double to_wire_time(Instant at);

}  // namespace holdfast::api
