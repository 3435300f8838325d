// Where instances come from. Every call returns at once; what came of it arrives as a CapacityEvent, at least once and
// in any order. Every call may be made twice with the same fence: the second must change nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "job/placement.hpp"
#include "market/offer.hpp"

namespace holdfast::ports {

// What the provider hands to the agent that it starts. `token` is a secret: it goes into a file of mode 0600, never
// onto a command line.
struct Launch {
  Fence fence;  // also the idempotency key
  JobName job;
  job::Placement placement;
  std::string assignment;  // JSON for the agent (agent/assignment.hpp), written beside it as assignment.json, mode 0600
};

struct InstanceUp {
  Fence fence;
  JobName job;
  InstanceId instance;
};
// The provider will not start this instance now (no capacity, no slot). The fence is used up.
struct LaunchRefused {
  Fence fence;
  JobName job;
  std::string why;
};
// The instance is going away at `deadline`; sent once, as soon as it is known.
struct ReclaimNotice {
  Fence fence;
  JobName job;
  Instant deadline;
};
// The instance is gone, whatever the cause: reclaimed by the market, died, released. Nothing of it runs any more.
struct InstanceGone {
  Fence fence;
  JobName job;
  bool reclaimed = false;  // by the market (or a rehearsed interruption), as opposed to a failure
  std::string why;
};
// Offers may have changed: ask again.
struct CapacityChanged {};

using CapacityEvent = std::variant<InstanceUp, LaunchRefused, ReclaimNotice, InstanceGone, CapacityChanged>;

struct LeaseView {
  Fence fence;
  JobName job;
  InstanceId instance;
};

class CapacityProvider {
 public:
  virtual ~CapacityProvider() = default;

  // Events go to `sink`, from any thread. Set once before the first call.
  virtual void on_event(std::function<void(CapacityEvent)> sink) = 0;
  // What could be launched now, cheapest first. Called on the engine's thread; must not block.
  virtual std::vector<market::Offer> offers(Instant now) = 0;
  virtual void launch(const Launch& request) = 0;
  // End the instance at once (SIGKILL or the cloud's terminate). Unknown fence: answers InstanceGone all the same.
  virtual void release(Fence fence) = 0;
  // Rehearse an interruption: the instance will be taken away after `notice` (zero: now, without warning).
  virtual Result<void> interrupt(Fence fence, Duration notice) = 0;
  // All instances that exist now, for reconciliation.
  virtual Result<std::vector<LeaseView>> list() = 0;
};

}  // namespace holdfast::ports
