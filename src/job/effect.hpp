// What a decision asks for. An effect is committed with the state that asked for it and carried out after that, at
// least once; so carrying it out twice must be safe. What an agent is told is not an effect: it is read from the job's
// state whenever the agent asks (engine/agent_desk), so an order cannot be lost.
#pragma once

#include <variant>

#include "job/state.hpp"

namespace holdfast::job {

// Ask the capacity provider for this attempt's instance. The fence is the idempotency key.
struct LaunchInstance {
  Fence fence;
  Placement placement;
};
// End the attempt's instance, whether or not it exists yet.
struct ReleaseInstance {
  Fence fence;
};

using Effect = std::variant<LaunchInstance, ReleaseInstance>;

const char* effect_name(const Effect& effect);

}  // namespace holdfast::job
