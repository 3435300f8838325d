// This machine as a pool of slots. An instance is a directory and one agent process that outlives the service:
//
//   DIRECTORY/i-<fence>/  assignment.json  for the agent; holds the token: mode 0600, deleted when the instance ends
//                         instance.json    fence, job, placement, "gpus": devices of the instance
//                         process.json     which process it is; exists before the agent's first instruction
//                         notice.json      {"deadline_ms", "reason"}, once an interruption is announced
//                         agent.log        stdout and stderr of the agent
//                         (whatever the agent lays out beside them)
//
// Starting, killing and watching happen on one thread of its own, which waits on pidfds; files of ended instances are
// removed on another one, since they may be many and a launch must not wait for them.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/file.hpp"
#include "base/time.hpp"
#include "capacity/instance_cleaner.hpp"
#include "capacity/instance_dir.hpp"
#include "market/catalog.hpp"
#include "market/market.hpp"
#include "ports/capacity_provider.hpp"

namespace holdfast::capacity {

constexpr std::size_t kKeptEndedInstances = 20;      // their agent.log stays for whoever looks for a cause
constexpr std::size_t kMaxEndedRemembered = 10'000;  // fences that will not be started again
constexpr int kMaxSlots = 10'000;

struct LocalProviderOptions {
  std::filesystem::path directory;         // made when missing, mode 0700
  std::vector<std::string> agent_command;  // argv before "--directory DIR"; the first is an absolute path
  int on_demand_slots = 1;
  int spot_slots = 1;
  market::Market market;  // for the spot slots
  market::Catalog catalog;
  std::vector<std::string> gpus;  // for the p and g types, each for one instance at a time: gpu_devices()
};

class LocalProvider final : public ports::CapacityProvider {
 public:
  // Adopts the instances that still run from before.
  static Result<std::unique_ptr<LocalProvider>> open(LocalProviderOptions options, Clock& clock);
  // The instances go on without us.
  ~LocalProvider() override;
  LocalProvider(const LocalProvider&) = delete;
  LocalProvider& operator=(const LocalProvider&) = delete;

  // Begins the work: first come the instances that ended while nobody watched (the last of them perhaps again).
  void on_event(std::function<void(ports::CapacityEvent)> sink) override;
  std::vector<market::Offer> offers(Instant now) override;
  void launch(const ports::Launch& request) override;
  void release(Fence fence) override;
  // A second notice changes nothing; without notice the instance is killed even if a notice is running.
  Result<void> interrupt(Fence fence, Duration notice) override;
  // Includes instances that are about to be started.
  Result<std::vector<ports::LeaseView>> list() override;

 private:
  struct Instance {
    InstanceRecord record;
    pid_t pid = 0;
    Fd pidfd;
    std::optional<Instant> deadline;  // a notice is running
    bool killed = false;
    bool released = false;
  };
  // A fence that will never be started (again), and what to answer about it.
  struct Ended {
    JobName job;
    bool refused = false;
    bool reclaimed = false;
    std::string why;
  };
  struct Release {
    Fence fence;
  };
  struct Interrupt {
    Fence fence;
    Duration notice;
  };
  using Task = std::variant<ports::Launch, Release, Interrupt>;
  static constexpr Fence kWake{0};  // stands for wake_ among what is watched: no instance has this fence

  LocalProvider(LocalProviderOptions options, Clock& clock);
  Result<void> prepare();
  Result<void> adopt(Fence fence);
  Result<void> watch(Fence fence, int pidfd);
  void post(Task task);
  int free_slots(bool spot, Instant now) const;  // with mutex_ held
  // What one more instance would get; nothing: it needs some, and too few are free.
  std::optional<std::vector<std::string>> gpus_for(const job::Placement& placement) const;

  // ---- on the worker's thread, which alone changes instances_ and ended_
  void work();
  void wait_and_collect(int milliseconds);
  bool run_task();  // the oldest, so that nothing else waits for more than one; false: stop
  void run(const ports::Launch& request);
  void run(const Release& release);
  void run(const Interrupt& interrupt);
  std::optional<std::string> why_refused(const job::Placement& placement);
  Result<void> start(const ports::Launch& request);
  void reclaim(Fence fence, Instance& instance, Duration notice);
  void kill(Instance& instance);
  void finish(Fence fence);
  void remember(Fence fence, Ended ended);
  void tidy(Fence fence);
  void watch_market(Instant now);
  void watch_deadlines(Instant now);
  int milliseconds_to_wait(Instant now);
  void tell_ended(Fence fence, const Ended& ended) const;

  const LocalProviderOptions options_;
  Clock& clock_;
  Fd epoll_, wake_;
  std::function<void(ports::CapacityEvent)> sink_;

  mutable std::mutex mutex_;  // guards the market's cursor and what follows; held for no I/O
  std::map<Fence, Instance> instances_;
  std::map<Fence, Ended> ended_;
  std::deque<Task> tasks_;  // the one in hand stays in front until it is done
  bool stopping_ = false;

  // ---- the worker's own
  std::deque<Fence> kept_;  // ended ones whose log is still there, oldest first
  bool market_was_open_ = true;
  InstanceCleaner cleaner_;
  std::thread worker_;
};

}  // namespace holdfast::capacity
