// What may go from the ledger once a generation is committed.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "checkpoint/ledger.hpp"
#include "checkpoint/manifest.hpp"

namespace holdfast::checkpoint {

// At least two: while an older attempt's last clean-up is still under way, the newest generation that it knew, which a
// newer attempt may have gone on from, is among the two that it keeps.
constexpr std::size_t kMinKeep = 2;

// Counts contents, not manifests: a commit whose answer was lost is made again under another number, and two names for
// the same objects protect no better than one.
class DistinctContents {
 public:
  void add(const Manifest& manifest);
  std::size_t count() const { return contents_.size(); }

 private:
  std::set<std::string> contents_;  // their hashes
};

struct RetentionInput {
  Fence own;
  std::optional<GenerationId> base;  // what this attempt restored: kept as long as it runs
  std::size_t keep = 3;
  Ledger ledger;
  std::map<GenerationId, Manifest>
      manifests;  // of the newest readable generations, down to one content more than `keep`, and of the base
  std::set<GenerationId> damaged;  // those that were met on the way and could not be read
  std::set<DataObject> data;       // all there are
  std::set<DataObject> in_use;     // uploaded by this attempt, perhaps for the next generation
};

// All that the manifest names is there. One whose put took effect only after it was given up may name what was cleaned
// away since.
bool is_whole(const RetentionInput& input, const Manifest& manifest);

// In this order, manifests before the data that they name: a generation is whole or it does not exist.
struct RetentionPlan {
  std::vector<GenerationId> entries;  // manifests and openings
  std::vector<GenerationId> quarantine_marks;
  std::vector<DataObject> data;
};

// Keeps the newest readable generations that hold `keep` different contents which are all there, and the base. Never
// touches what a newer fence wrote.
RetentionPlan plan_retention(const RetentionInput& input);

}  // namespace holdfast::checkpoint
