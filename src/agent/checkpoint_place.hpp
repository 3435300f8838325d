// Where the checkpoints of a job live, and an attempt's claim on that place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "checkpoint/ledger.hpp"
#include "checkpoint/transfer_plan.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

// An S3Uri as a folder. Plain files lie at `plain_key(path)`, for people and for SageMaker's users; what a restore
// trusts lies under `own_key(...)`.
struct CheckpointPlace {
  std::string bucket;
  std::string prefix;  // empty, or ends with '/'

  std::string plain_key(std::string_view path) const { return prefix + std::string(path); }
  std::string own_key(std::string_view name) const {
    return prefix + std::string(checkpoint::kOwnFolder) + std::string(name);
  }
};
CheckpointPlace checkpoint_place(const ports::S3Location& location);

// Made by restore_checkpoint(), which wrote this attempt's opening entry; CheckpointSync goes on from it.
struct CheckpointClaim {
  CheckpointPlace place;
  JobName job;
  Fence fence;
  std::optional<GenerationId> based_on;  // as the opening entry says
  // What lies in the directory now: a generation with its files and links, or plain files by path.
  std::optional<GenerationId> restored;
  std::vector<checkpoint::ManifestFile> files;
  std::vector<checkpoint::Link> links;
  std::vector<std::string> plain_paths;
  // Of this attempt's next generation, as far as this process knows: its numbers below may be in use, or may yet be,
  // when a put that was given up takes effect.
  std::uint64_t next_sequence = 1;
  std::uint64_t number = 0;  // of what was restored, see checkpoint::Manifest
  // Restored files whose objects are safe to refer to again, so that they are not uploaded twice.
  std::map<std::string, checkpoint::UploadedFile> uploaded;
};

}  // namespace holdfast::agent
