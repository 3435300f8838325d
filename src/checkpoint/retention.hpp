// What may go from the ledger once a generation is committed.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/result.hpp"
#include "checkpoint/ledger.hpp"
#include "checkpoint/manifest.hpp"

namespace holdfast::checkpoint {

// At least two: while an older attempt's last clean-up is still under way, the newest generation that it knew, which a
// newer attempt may have gone on from, is among the two that it keeps.
constexpr std::size_t kMinKeep = 2;

// The manifest, nothing where it is damaged, Kind::not_found where it is gone.
using ManifestReader = std::function<Result<std::optional<Manifest>>(GenerationId)>;

struct Kept {
  std::map<GenerationId, Manifest> generations;
  std::set<GenerationId> damaged;  // those that were met on the way and could not be read
};

// The newest readable generations, until they hold `keep` different contents, and the base. Contents count, not
// manifests: a commit whose answer was lost is made again under another number, and two names for the same objects
// protect no better than one. And they must be there: a manifest whose put took effect only after it was given up may
// name what was cleaned away since. `data`: all objects there are.
Result<Kept> choose_kept(const Ledger& ledger, std::size_t keep, const std::optional<GenerationId>& base,
                         const std::set<DataObject>& data, const ManifestReader& read);

struct RetentionInput {
  Fence own;
  Ledger ledger;
  Kept kept;
  std::set<DataObject> data;    // all there are
  std::set<DataObject> in_use;  // uploaded by this attempt, perhaps for the next generation
};

// In this order, manifests before the data that they name: a generation is whole or it does not exist.
struct RetentionPlan {
  std::vector<GenerationId> entries;  // manifests and openings
  std::vector<GenerationId> quarantine_marks;
  std::vector<DataObject> data;
};

// Everything but what is kept. Never touches what a newer fence wrote.
RetentionPlan plan_retention(const RetentionInput& input);

}  // namespace holdfast::checkpoint
