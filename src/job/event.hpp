// What can happen to a job. Whatever an attempt or its instance says carries that attempt's fence; decide() refuses
// what comes from an older one. Each event may arrive twice, late or out of order.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <variant>

#include "job/state.hpp"

namespace holdfast::job {

// The user asked to stop it.
struct StopRequested {};
// The market chose where the next attempt runs. The fence is newer than every fence before it.
struct Placed {
  Fence fence;
  Placement placement;
};
// From the provider: see ports/capacity_provider.hpp.
struct InstanceUp {
  Fence fence;
  InstanceId instance;
};
struct LaunchRefused {
  Fence fence;
  std::string why;
};
struct NoticeReceived {
  Fence fence;
  Instant deadline;
};
struct InstanceGone {
  Fence fence;
  bool reclaimed = false;  // by the market; otherwise it failed
  std::string why;
};
// From the agent on the instance.
struct AgentStarted {
  Fence fence;
};
struct ProgramStarted {
  Fence fence;
  std::optional<GenerationId> restored;
};
struct CheckpointSaved {
  Fence fence;
  GenerationId generation;
  // For how long the program had been writing it. 0: all at once, or not known.
  Duration took{0};
};
// The longest save, forgotten by a quarter with each one that follows: a first one that took long for reasons of its
// own does not count for ever.
constexpr Duration longest_of_late(Duration longest, Duration took) {
  return std::max<Duration>(took, longest - longest / 4);
}
// More than any save takes: an agent says this much at most.
constexpr Duration kLongestSave = hours{24};
struct ProgramEnded {
  Fence fence;
};
enum class Outcome {
  succeeded,       // exit 0, artifacts uploaded
  program_failed,  // exit other than 0
  bad_input,       // the user's: channel, image, command
  failed,          // ours
  reclaimed,       // the notice was used to save what could be saved
  stopped,         // as ordered
};
const char* to_string(Outcome outcome);
// The attempt is over and wants nothing more. `reason`: the FailureReason without its prefix, where there is one.
struct AttemptEnded {
  Fence fence;
  Outcome outcome = Outcome::succeeded;
  std::string reason;
};
// Time passed: decide() looks at which limit was reached. next_wakeup() says when to send it.
struct TimeReached {};

using Event = std::variant<StopRequested, Placed, InstanceUp, LaunchRefused, NoticeReceived, InstanceGone, AgentStarted,
                           ProgramStarted, CheckpointSaved, ProgramEnded, AttemptEnded, TimeReached>;

const char* event_name(const Event& event);

}  // namespace holdfast::job
