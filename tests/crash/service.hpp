// The control plane over a database that may have died, in an outside world that did not.
#pragma once

#include <memory>
#include <string>

#include "crash/memory_disk.hpp"
#include "crash/outside_world.hpp"
#include "engine/engine.hpp"
#include "sim/forwarding_store.hpp"
#include "support/manual_clock.hpp"

namespace holdfast::testing {

// A place to die at.
class PassingStore final : public sim::ForwardingStore {
 public:
  PassingStore(ports::JobStore& real, CrashPoint crash_point)
      : ForwardingStore(real), crash_point_(std::move(crash_point)) {}
  Result<void> commit(const ports::Batch& batch) override {
    crash_point_("before a commit");
    auto committed = ForwardingStore::commit(batch);
    crash_point_("after a commit");
    return committed;
  }

 private:
  CrashPoint crash_point_;
};

class Service {
 public:
  // Opens the database and recovers; a failure of either fails the test.
  Service(
      const std::string& database, Outside& outside, CrashPoint crash_point = [](const char*) {});

  ports::JobStore& store() { return *store_; }
  OutsideProvider& provider() { return provider_; }
  // Creates the jobs; returns once they are answered.
  void create(const std::vector<std::string>& names);
  void submit(const std::string& name, std::vector<job::Event> events);
  void interrupt(const std::string& name);
  std::string secondary_status(const std::string& name);
  std::optional<Fence> instance_of(const std::string& name) const;

  // A second passes: each agent asks for its orders and says one more thing.
  void tick();
  // Lets time pass until all jobs have ended and no instance is left, and judges what came of them.
  void run_to_the_end();
  // What must hold of the database at any moment, whatever was lost.
  void check_what_is_stored();

 private:
  void acknowledge(const JobName& name);
  bool all_is_over();

  Outside& outside_;
  ManualClock clock_;
  CrashPoint crash_point_;
  std::unique_ptr<ports::JobStore> database_;
  std::unique_ptr<PassingStore> store_;
  OutsideProvider provider_;
  std::unique_ptr<engine::Engine> engine_;
};

// An eventful day of four jobs: waiting for a slot, an interruption, a stop of one that trains and of one that waits,
// a launch refused, an instance that vanishes. `part` of kParts; between parts the service may be restarted.
constexpr int kParts = 3;
void play(Service& service, Outside& outside, int part);

}  // namespace holdfast::testing
