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

#include "api/access.hpp"
#include "api/counters.hpp"
#include "api/errors.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "engine/engine.hpp"
#include "ports/algorithm_store.hpp"
#include "ports/job_store.hpp"
#include "ports/log_store.hpp"
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
  ports::AlgorithmStore& algorithms;
  ports::LogStore& logs;
  ports::MetricStore& metrics;
  Clock& clock;
  Counters& counters;
};

// An agent reports every few seconds and each time needs its job's metrics. A spec never changes, so each attempt's is
// read once.
// Thread-safe.
class SpecCache {
 public:
  explicit SpecCache(ports::JobStore& store) : store_(store) {}
  // `fence`: of one of the job's attempts. A name can be used again once its job is deleted, a fence never.
  // Kind::not_found: no such job.
  Result<std::shared_ptr<const job::JobSpec>> get(const JobName& name, Fence fence);

 private:
  ports::JobStore& store_;
  std::mutex mutex_;
  std::map<std::pair<JobName, Fence>, std::shared_ptr<const job::JobSpec>>
      specs_;  // shared with the requests that use them
};

// The text of the answer's body; empty where the operation has no output.
using Outcome = tl::expected<std::string, ApiError>;
// Called exactly once, from any thread, the engine's included.
using Answer = std::function<void(Outcome)>;

struct Call {
  const Backends& backends;
  SpecCache& specs;
  const nlohmann::json& request;  // an object
  const Principal& principal;     // who may do this; of an agent, nobody that matters
};

// May block: it runs on a worker thread. What it hands to the engine must not refer to the Call, only to backends.
using Operation = void (*)(const Call& call, Answer answer);

enum class Caller { user, agent };
// What a request would touch. It has not been checked: members may be missing or of another type.
using TouchedBy = Touches (*)(const nlohmann::json& request);

struct OperationEntry {
  std::string_view target;   // "SageMaker.CreateTrainingJob"
  std::string_view service;  // what a user's signature must be for
  Caller caller = Caller::user;
  Operation run = nullptr;
  Access access = Access::write;
  TouchedBy touched_by = nullptr;  // null: the whole account
  // What to read a form or CBOR as, and what to write their answers as; without the first, an operation is asked for in
  // JSON only, and without the second it has no output.
  const Shape& (*input)() = nullptr;
  const Shape& (*output)() = nullptr;
};
// Null: no such operation.
const OperationEntry* find_operation(std::string_view target);
// AccessDeniedException where the key's policy does not say that it may.
tl::expected<void, ApiError> authorize(const OperationEntry& entry, const nlohmann::json& request,
                                       const Principal& principal);

// How an operation says that something below it did not work. What is not the caller's doing goes to the log.
ApiError to_api_error(const Error& error);
std::string dump(const nlohmann::json& json);
// Seconds since the epoch with milliseconds as their fraction.
double to_wire_time(Instant at);

}  // namespace holdfast::api
