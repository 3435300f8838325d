// Brings the newest good checkpoint into a directory, and opens the ledger for this attempt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/checkpoint_place.hpp"
#include "agent/download.hpp"
#include "agent/folder.hpp"
#include "agent/tasks.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace holdfast::agent {

struct QuarantinedGeneration {
  GenerationId id;
  std::string why;
};

struct RestoredCheckpoint {
  std::optional<GenerationId> generation;  // none: nothing there, or plain files that no ledger describes
  bool plain = false;                      // the files came from a prefix without a generation
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<QuarantinedGeneration> quarantined;  // found bad now, and passed over by every later restore
  CheckpointClaim claim;
};

// Brings all of a generation into `folder`, the links last. Identities and errors are those of download_files(); after
// an error nothing of it remains.
Result<std::vector<checkpoint::FileIdentity>> bring_generation(ports::ObjectStore& store, const CheckpointPlace& place,
                                                               const checkpoint::Manifest& manifest, Folder& folder,
                                                               Tasks& tasks);

// Call once, before the program starts and before CheckpointSync; may be called again after an error. The claim is
// written before anything is downloaded: older attempts notice, and say no more that something is committed. When this
// returns, the ledger says what the program starts from, and what older attempts commit does not count: a generation
// that is gone on from is this attempt's own first one (`next_sequence`, which is 1 at first and kept from one call to
// the next, is the number of that), and otherwise there is the mark that it began anew. All or nothing: a generation
// with one bad byte is quarantined, what was written of it is removed, and the next older one is taken. `folder` should
// be empty. Kind::conflict: a newer attempt has opened this place; this one is a zombie. Kind::not_found: no such
// bucket. Kind::invalid: a plain key that is no path below the directory. Kind::try_again: the store is away.
Result<RestoredCheckpoint> restore_checkpoint(ports::ObjectStore& store, const ports::S3Location& location,
                                              Folder& folder, const JobName& job, Fence fence,
                                              std::uint64_t& next_sequence, Clock& clock, Tasks& tasks);

}  // namespace holdfast::agent
