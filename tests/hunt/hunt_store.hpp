// What the hunt needs of the agent.
#pragma once

#include <memory>

#include "agent/checkpoint_sync.hpp"
#include "agent/tasks.hpp"

namespace holdfast::testing {

inline Result<std::unique_ptr<agent::CheckpointSync>> open_hunt_sync(ports::ObjectStore& store, Clock& clock,
                                                                     agent::Tasks& tasks, agent::OpenFiles open_files,
                                                                     agent::CheckpointClaim claim,
                                                                     agent::Folder& folder) {
  return agent::CheckpointSync::open(store, clock, tasks, std::move(open_files), {}, std::move(claim), folder);
}

}  // namespace holdfast::testing
