// Reads and moves the ledger in an object store. What it means is in checkpoint/ledger.hpp.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/checkpoint_place.hpp"
#include "base/result.hpp"
#include "checkpoint/ledger.hpp"
#include "checkpoint/manifest.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

// Removes uploads to this place that were begun and that nobody completes: those of contents of attempts before
// `first_alive`, which are over or will be told so, and whatever was begun a day ago. Returns how many.
Result<std::size_t> abort_dead_uploads(ports::ObjectStore& store, const CheckpointPlace& place, Fence first_alive,
                                       Instant now);

class LedgerStore {
 public:
  LedgerStore(ports::ObjectStore& store, CheckpointPlace place) : store_(store), place_(std::move(place)) {}

  // As of now; with `leave_out`, as if that attempt had written nothing but its generations.
  Result<checkpoint::Ledger> read(std::optional<Fence> leave_out = std::nullopt);
  // One list of one key: is there an entry of a fence newer than `own`?
  Result<std::optional<Fence>> newer_fence(Fence own);
  // Nothing: damaged, also when read a second time. Kind::not_found: gone.
  Result<std::optional<checkpoint::Manifest>> read_manifest(GenerationId id);
  Result<void> put_manifest(const checkpoint::Manifest& manifest);
  Result<void> put_anew(Fence fence);
  Result<void> quarantine(GenerationId id, const std::string& why);
  // All data objects with their sizes.
  Result<std::map<checkpoint::DataObject, std::uint64_t>> data_objects();

 private:
  Result<checkpoint::Ledger> read_names();
  Result<void> read_bases(checkpoint::Ledger& ledger);
  Result<void> read_base(Fence fence, checkpoint::Ledger& ledger);

  ports::ObjectStore& store_;
  CheckpointPlace place_;
  // Of those that were there at the last look: manifests are long. They never change once written, but for the opening
  // of an attempt that is still choosing.
  std::map<GenerationId, checkpoint::Manifest> known_;
};

}  // namespace holdfast::agent
