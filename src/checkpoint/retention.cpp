#include "checkpoint/retention.hpp"

#include <algorithm>

#include "base/ensure.hpp"

namespace holdfast::checkpoint {
namespace {

bool is_whole(const Manifest& manifest, const std::set<DataObject>& data) {
  return std::ranges::all_of(
      manifest.files, [&](const ManifestFile& file) { return data.contains(parse_data_name(file.object).value()); });
}

bool same_content(const Manifest& a, const Manifest& b) {
  return std::ranges::equal(a.files, b.files, [](const ManifestFile& one, const ManifestFile& other) {
    return one.path == other.path && one.object == other.object;
  });
}

std::set<DataObject> needed_data(const RetentionInput& input) {
  std::set<DataObject> needed = input.in_use;
  for (const auto& [id, manifest] : input.kept.generations) {
    for (const auto& file : manifest.files) needed.insert(parse_data_name(file.object).value());
  }
  return needed;
}

}  // namespace

Result<Kept> choose_kept(const Ledger& ledger, std::size_t keep, const std::optional<GenerationId>& base,
                         const std::set<DataObject>& data, const ManifestReader& read) {
  ENSURE(keep >= kMinKeep, "keep {} generations", keep);
  Kept kept;
  const auto look_at = [&](GenerationId id) -> Result<std::optional<Manifest>> {
    auto manifest = read(id);
    if (!manifest && manifest.error().kind == Kind::not_found) return std::optional<Manifest>{};
    if (manifest && !*manifest) kept.damaged.insert(id);
    return manifest;
  };
  std::vector<const Manifest*> contents;
  for (const auto& id : restore_order(ledger)) {
    auto manifest = look_at(id);
    if (!manifest) return fail(manifest.error());
    if (!*manifest || !is_whole(**manifest, data)) continue;
    const bool known = std::ranges::any_of(contents, [&](const auto* one) { return same_content(*one, **manifest); });
    if (!known && contents.size() == keep) break;
    const auto& stays = kept.generations[id] = std::move(**manifest);
    if (!known) contents.push_back(&stays);
  }
  if (!base || kept.generations.contains(*base)) return kept;
  auto manifest = look_at(*base);
  if (!manifest) return fail(manifest.error());
  if (*manifest) kept.generations[*base] = std::move(**manifest);
  return kept;
}

RetentionPlan plan_retention(const RetentionInput& input) {
  const auto& [kept, damaged_ones] = input.kept;
  if (kept.empty()) return {};

  RetentionPlan plan;
  std::set<Fence> fences{input.own};  // whose openings stay
  bool damaged_in_window = false;
  for (const auto& id : input.ledger.entries) {
    if (id.sequence == 0 || id.fence > input.own) continue;
    const bool damaged = damaged_ones.contains(id);
    // Bad ones stay beside the good ones of their time, for whoever wants to look at them.
    const bool stays =
        kept.contains(id) || (id > kept.begin()->first && (damaged || input.ledger.quarantined.contains(id)));
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
  const auto needed = needed_data(input);
  for (const auto& object : input.data) {
    if (object.fence <= input.own && !needed.contains(object)) plan.data.push_back(object);
  }
  return plan;
}

}  // namespace holdfast::checkpoint
