// The checkpoints at a place, for whoever wants to look at them, check them or tidy up: beside the attempts of the job,
// none of which is disturbed by it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/checkpoint_ledger.hpp"
#include "agent/checkpoint_place.hpp"
#include "agent/folder.hpp"
#include "agent/tasks.hpp"
#include "checkpoint/retention.hpp"

namespace holdfast::agent {

enum class GenerationState {
  restorable,   // a restore may use it: the first of these is the one that it will
  superseded,   // committed by an attempt that another one had taken over from
  quarantined,  // found damaged by a restore, or by `verify`
  damaged,      // its manifest cannot be read
  incomplete,   // what it needs is not there, or not in its size
};
const char* to_string(GenerationState state);

struct ReviewedGeneration {
  GenerationId id;
  GenerationState state = GenerationState::restorable;
  std::string why = {};           // of quarantine
  bool readable = true;           // its manifest
  checkpoint::Manifest manifest;  // without files and links; of one that is not readable, nothing but its id
  std::uint64_t files = 0;
  std::uint64_t links = 0;
  std::uint64_t bytes = 0;
  // When all of it was last read and found good: by `verify`, or by an attempt that went on from it.
  std::optional<Instant> verified = {};
};

struct ReviewedPlace {
  std::vector<ReviewedGeneration> generations;  // the newest first
  std::uint64_t stored_bytes = 0;               // of all that generations keep
  std::uint64_t plain_bytes = 0;                // of the files beside them, for people
  std::uint64_t plain_files = 0;
};

// Kind::not_found: no such bucket.
Result<ReviewedPlace> review_checkpoints(ports::ObjectStore& store, const CheckpointPlace& place);

// The one that a restore would try first, by the ledger alone: its manifest may turn out to be damaged.
// Kind::not_found: there is none.
Result<GenerationId> newest_generation(ports::ObjectStore& store, const CheckpointPlace& place);
// The generation, or the newest. Kind::not_found: there is none; Kind::invalid: its manifest is damaged.
Result<checkpoint::Manifest> find_generation(ports::ObjectStore& store, const CheckpointPlace& place,
                                             std::optional<GenerationId> id);

// Brings all of a generation into `folder`, each file verified. Kind::conflict: it is damaged.
Result<void> fetch_generation(ports::ObjectStore& store, const CheckpointPlace& place,
                              const checkpoint::Manifest& manifest, Folder& folder, Tasks& tasks);
// Puts it on record that a generation was read whole and was good.
Result<void> note_verified(ports::ObjectStore& store, const CheckpointPlace& place, GenerationId id);

struct PrunePlan {
  Fence newest;  // as the plan knows it
  bool live = true;
  checkpoint::RetentionPlan remove;
  std::vector<GenerationId> kept;
  std::uint64_t bytes = 0;       // of the data that goes
  std::uint64_t held_bytes = 0;  // of data that would go as well, if no attempt could be at work
};
// What may go by `policy`. `live`: an attempt may be at work there: then its base stays too, and its own data, also
// that of its generations that go: its next one may name it again.
Result<PrunePlan> plan_prune(ports::ObjectStore& store, const CheckpointPlace& place,
                             const checkpoint::RetentionPolicy& policy, bool live);
// And uploads that nobody completes: returns how many. Kind::conflict: a newer attempt has come since the plan was
// made; nothing is removed then.
Result<std::size_t> prune(ports::ObjectStore& store, const CheckpointPlace& place, const PrunePlan& plan, Instant now);

}  // namespace holdfast::agent
