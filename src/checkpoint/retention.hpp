// What may go from the ledger once a generation is committed.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "checkpoint/ledger.hpp"
#include "checkpoint/manifest.hpp"

namespace holdfast::checkpoint {

// At least two: while an older attempt's last clean-up is still under way, the newest generation that it knew, which a
// newer attempt may have gone on from, is among the two that it keeps.
constexpr std::size_t kMinKeep = 2;

// Of those that stay because of RetentionPolicy::every: older ones go.
constexpr std::size_t kMaxKeptByNumber = 1000;

// By one of the metrics that stand in the manifests.
struct KeepBest {
  std::string metric;
  bool highest = false;  // else the lowest value is the best
  bool operator==(const KeepBest&) const = default;
};
// "loss:min", "validation:accuracy:max". Nothing: it is none of these.
std::optional<KeepBest> parse_keep_best(std::string_view text);

struct RetentionPolicy {
  std::size_t keep = 3;               // the newest contents, kMinKeep at least
  std::uint64_t every = 0;            // and those whose number (Manifest::number) is a multiple of it; 0: none
  std::optional<KeepBest> best = {};  // and the best one, the newest of equals
  bool operator==(const RetentionPolicy&) const = default;
};

// The manifest, nothing where it is damaged, Kind::not_found where it is gone.
using ManifestReader = std::function<Result<std::optional<Manifest>>(GenerationId)>;

struct Kept {
  std::map<GenerationId, Manifest> generations;
  std::set<GenerationId> damaged;  // those that were met on the way and could not be read
  // The oldest of those that a restore is to find good: damaged ones from its time on stay beside them.
  std::optional<GenerationId> since;
};

// The newest readable generations, until they hold `policy.keep` different contents, and the base; then what else the
// policy names, which costs the reading of every manifest that a restore may use. Contents count, not
// manifests: a commit whose answer was lost is made again under another number, and two names for the same objects
// protect no better than one. And they must be there: a manifest whose put took effect only after it was given up may
// name what was cleaned away since. `data`: all objects there are.
Result<Kept> choose_kept(const Ledger& ledger, const RetentionPolicy& policy, const std::optional<GenerationId>& base,
                         const std::set<DataObject>& data, const ManifestReader& read);

struct RetentionInput {
  Fence own;
  Ledger ledger;
  Kept kept;
  std::set<DataObject> data;    // all there are
  std::set<DataObject> in_use;  // uploaded by this attempt, perhaps for the next generation
};

struct RetentionPlan {
  std::vector<GenerationId> entries;  // manifests and openings
  std::vector<GenerationId> quarantine_marks;
  std::vector<GenerationId> verified_marks;
  std::vector<Fence> anew_marks;
  std::vector<DataObject> data;
};

// The names of all that goes, in groups that have to go one after the other: manifests before the data that they name,
// for a generation is whole or it does not exist.
std::vector<std::vector<std::string>> names_of(const RetentionPlan& plan);

// Everything but what is kept. Never touches what a newer fence wrote.
RetentionPlan plan_retention(const RetentionInput& input);

}  // namespace holdfast::checkpoint
