// The store of a hunt, by its name.
#pragma once

#include <memory>
#include <string>

#include "agent/checkpoint_sync.hpp"
#include "agent/tasks.hpp"
#include "base/ensure.hpp"
#include "objects/file_store.hpp"

namespace holdfast::testing {

inline std::unique_ptr<ports::ObjectStore> open_hunt_store(const std::string& place) {
  auto store = objects::FileStore::open(place, objects::Durability::process);
  ENSURE(store, "{}: {}", place, store.error().message);
  if (!(*store)->bucket_exists("hunt").value()) ENSURE((*store)->create_bucket("hunt").has_value(), "no bucket");
  return std::move(*store);
}

inline Result<std::unique_ptr<agent::CheckpointSync>> open_hunt_sync(ports::ObjectStore& store, Clock& clock,
                                                                     agent::Tasks&, agent::OpenFiles open_files,
                                                                     agent::CheckpointClaim claim,
                                                                     agent::Folder& folder) {
  return agent::CheckpointSync::open(store, clock, std::move(open_files), {}, std::move(claim), folder);
}

}  // namespace holdfast::testing
