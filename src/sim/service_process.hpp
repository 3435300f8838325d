// The simulated control plane: the real engine, store and API operations as one process that can die at any boundary
// and starts again over the same database.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/protocol.hpp"
#include "engine/engine.hpp"
#include "sim/crash.hpp"
#include "sim/no_logs.hpp"
#include "sim/no_metrics.hpp"
#include "sim/twin_provider.hpp"
#include "sim/twin_store.hpp"

namespace holdfast::sim {

struct ServiceParts {
  Scheduler& scheduler;
  Recorder& recorder;
  SkewedClock& clock;
  Boundaries& boundaries;
  TwinStore& store;
  TwinProvider& provider;
  ports::ObjectStore& objects;
  ports::Telemetry& telemetry;
  ports::AlgorithmStore& algorithms;
};

class ServiceProcess {
 public:
  // Nothing: the connection broke, and nobody knows what became of the request.
  using Reply = std::function<void(std::optional<api::Outcome>)>;

  explicit ServiceProcess(const ServiceParts& parts) : parts_(parts) {}

  // Recovers from the database. It may die in the attempt.
  void start();
  void die(const std::string& where);
  bool up() const { return engine_ != nullptr; }
  std::size_t deaths() const { return deaths_; }

  // As a request that arrives: `body` is a JSON object. `reply` is called once, perhaps at once.
  void call(const api::OperationEntry& operation, const std::string& body, Reply reply);

 private:
  template <class F>
  void inside(F work);
  void run();
  void run_soon();
  void nap();

  ServiceParts parts_;
  NoLogs logs_;
  NoMetrics metrics_;
  api::Counters counters_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<api::SpecCache> specs_;
  std::unique_ptr<api::Backends> backends_;
  std::map<std::uint64_t, Reply> waiting_;  // connections with a request in hand
  std::uint64_t next_call_ = 1;
  std::uint64_t life_ = 0;  // counts starts: what belongs to an earlier one is void
  std::size_t deaths_ = 0;
  bool run_is_due_ = false;
  std::optional<Instant> naps_until_;
};

}  // namespace holdfast::sim
