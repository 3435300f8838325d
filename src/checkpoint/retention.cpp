#include "checkpoint/retention.hpp"

#include <algorithm>

#include "base/ensure.hpp"
#include "checkpoint/hash.hpp"

namespace holdfast::checkpoint {
namespace {

std::set<GenerationId> kept_generations(const RetentionInput& input, const std::vector<GenerationId>& order) {
  std::set<GenerationId> kept;
  DistinctContents contents;
  for (const auto& id : order) {
    const auto manifest = input.manifests.find(id);
    if (manifest == input.manifests.end() || !is_whole(input, manifest->second)) continue;
    contents.add(manifest->second);
    if (contents.count() > input.keep) break;
    kept.insert(id);
  }
  if (input.base && input.manifests.contains(*input.base)) kept.insert(*input.base);
  return kept;
}

std::set<DataObject> needed_data(const RetentionInput& input, const std::set<GenerationId>& kept) {
  std::set<DataObject> needed = input.in_use;
  for (const auto& id : kept) {
    for (const auto& file : input.manifests.at(id).files) needed.insert(parse_data_name(file.object).value());
  }
  return needed;
}

}  // namespace

bool is_whole(const RetentionInput& input, const Manifest& manifest) {
  return std::ranges::all_of(manifest.files, [&](const ManifestFile& file) {
    return input.data.contains(parse_data_name(file.object).value());
  });
}

void DistinctContents::add(const Manifest& manifest) {
  Hasher hasher;
  for (const auto& file : manifest.files) hasher.add(file.path + '\0' + file.object + '\0');
  contents_.insert(hasher.digest());
}

RetentionPlan plan_retention(const RetentionInput& input) {
  ENSURE(input.keep >= kMinKeep, "keep {} generations", input.keep);
  const auto order = restore_order(input.ledger);
  const auto kept = kept_generations(input, order);
  if (kept.empty()) return {};

  RetentionPlan plan;
  std::set<Fence> fences{input.own};  // whose openings stay
  bool damaged_in_window = false;
  for (const auto& id : input.ledger.entries) {
    if (id.sequence == 0 || id.fence > input.own) continue;
    const bool damaged = input.damaged.contains(id);
    // Bad ones stay beside the good ones of their time, for whoever wants to look at them.
    const bool stays = kept.contains(id) || (id > *kept.begin() && (damaged || input.ledger.quarantined.contains(id)));
    if (stays) fences.insert(id.fence);
    if (stays && damaged) damaged_in_window = true;
    if (!stays) plan.entries.push_back(id);
    if (!stays && input.ledger.quarantined.contains(id)) plan.quarantine_marks.push_back(id);
  }
  for (const auto& id : input.ledger.entries) {
    if (id.sequence == 0 && id.fence < input.own && !fences.contains(id.fence)) plan.entries.push_back(id);
  }
  // What a manifest needs that we could not read is not known; it may yet be readable for others.
  if (damaged_in_window) return plan;
  const auto needed = needed_data(input, kept);
  for (const auto& object : input.data) {
    if (object.fence <= input.own && !needed.contains(object)) plan.data.push_back(object);
  }
  return plan;
}

}  // namespace holdfast::checkpoint
