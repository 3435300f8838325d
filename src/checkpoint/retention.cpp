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
  return a.links == b.links &&
         std::ranges::equal(a.files, b.files, [](const ManifestFile& one, const ManifestFile& other) {
           return one.path == other.path && checkpoint::same_content(one, other);
         });
}

std::set<DataObject> needed_data(const RetentionInput& input) {
  std::set<DataObject> needed = input.in_use;
  for (const auto& [id, manifest] : input.kept.generations) {
    for (const auto& file : manifest.files) needed.insert(parse_data_name(file.object).value());
  }
  return needed;
}

// Goes through the generations from the newest to the oldest and says which stay.
class Choosing {
 public:
  Choosing(const RetentionPolicy& policy, const std::set<DataObject>& data, const ManifestReader& read)
      : policy_(policy), data_(data), read_(read) {}

  // False: none of those that are older can stay.
  Result<bool> look_at(GenerationId id) {
    auto found = read(id);
    if (!found) return fail(found.error());
    if (!*found || !is_whole(**found, data_)) return true;
    auto& manifest = **found;
    if (!newest_are_chosen_) {
      const bool known = std::ranges::any_of(contents_, [&](auto* one) { return same_content(*one, manifest); });
      newest_are_chosen_ = !known && contents_.size() == policy_.keep;
      if (!newest_are_chosen_) {
        const auto& stays = keep(id, std::move(manifest));
        if (!known) contents_.push_back(&stays);
        kept_.since = id;
        return true;
      }
      if (policy_.every == 0 && !policy_.best) return false;
    }
    note_value(id, manifest);
    if (is_wanted_number(manifest)) keep(id, std::move(manifest));
    return true;
  }

  Result<Kept> finish(const std::optional<GenerationId>& base) {
    for (const auto& id : {base, best_}) {
      if (!id || kept_.generations.contains(*id)) continue;
      auto manifest = read(*id);
      if (!manifest) return fail(manifest.error());
      if (*manifest) kept_.generations[*id] = std::move(**manifest);
    }
    if (base && kept_.generations.contains(*base)) kept_.since = std::min(kept_.since.value_or(*base), *base);
    return std::move(kept_);
  }

 private:
  Result<std::optional<Manifest>> read(GenerationId id) {
    auto manifest = read_(id);
    if (!manifest && manifest.error().kind == Kind::not_found) return std::optional<Manifest>{};
    if (manifest && !*manifest) kept_.damaged.insert(id);
    return manifest;
  }

  const Manifest& keep(GenerationId id, Manifest manifest) {
    note_value(id, manifest);
    numbers_.insert(manifest.number);
    return kept_.generations[id] = std::move(manifest);
  }

  // An attempt's first generation has the number of the one that it went on from: one of the two is enough.
  bool is_wanted_number(const Manifest& manifest) const {
    return policy_.every > 0 && manifest.number > 0 && manifest.number % policy_.every == 0 &&
           !numbers_.contains(manifest.number) && numbers_.size() < policy_.keep + kMaxKeptByNumber;
  }

  void note_value(GenerationId id, const Manifest& manifest) {
    if (!policy_.best) return;
    const auto found = manifest.metrics.find(policy_.best->metric);
    if (found == manifest.metrics.end()) return;
    const bool better = !best_ || (policy_.best->highest ? found->second > best_value_ : found->second < best_value_);
    if (!better) return;
    best_ = id;
    best_value_ = found->second;
  }

  const RetentionPolicy& policy_;
  const std::set<DataObject>& data_;
  const ManifestReader& read_;
  Kept kept_;
  std::vector<const Manifest*> contents_;  // one of each, of the newest
  bool newest_are_chosen_ = false;
  std::set<std::uint64_t> numbers_;
  std::optional<GenerationId> best_;
  double best_value_ = 0;
};

}  // namespace

std::optional<KeepBest> parse_keep_best(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const auto way = text.substr(colon + 1);
  if (way != "min" && way != "max") return std::nullopt;
  return KeepBest{std::string(text.substr(0, colon)), way == "max"};
}

Result<Kept> choose_kept(const Ledger& ledger, const RetentionPolicy& policy, const std::optional<GenerationId>& base,
                         const std::set<DataObject>& data, const ManifestReader& read) {
  ENSURE(policy.keep >= kMinKeep, "keep {} generations", policy.keep);
  Choosing choosing(policy, data, read);
  for (const auto& id : restore_order(ledger)) {
    const auto more = choosing.look_at(id);
    if (!more) return fail(more.error());
    if (!*more) break;
  }
  return choosing.finish(base);
}

std::vector<std::vector<std::string>> names_of(const RetentionPlan& plan) {
  std::vector<std::string> entries, marks, data;
  for (const auto& id : plan.entries) entries.push_back(manifest_name(id));
  for (const auto& id : plan.quarantine_marks) marks.push_back(quarantine_name(id));
  for (const auto& id : plan.verified_marks) marks.push_back(verified_name(id));
  for (const auto& fence : plan.anew_marks) marks.push_back(anew_name(fence));
  for (const auto& object : plan.data) data.push_back(data_name(object));
  return {entries, marks, data};
}

RetentionPlan plan_retention(const RetentionInput& input) {
  const auto& kept = input.kept.generations;
  if (kept.empty() || !input.kept.since) return {};

  RetentionPlan plan;
  std::set<Fence> fences{input.own};  // whose openings stay, and marks that they began anew
  bool damaged_in_window = false;
  for (const auto& id : input.ledger.entries) {
    if (id.sequence == 0 || id.fence > input.own) continue;
    const bool damaged = input.kept.damaged.contains(id);
    // Bad ones stay beside the good ones of their time, to be seen: what they were, and why they are in quarantine. Not
    // what only they needed: it may be much, and is no good.
    const bool stays =
        kept.contains(id) || (id > *input.kept.since && (damaged || input.ledger.quarantined.contains(id)));
    if (stays) fences.insert(id.fence);
    if (stays && damaged) damaged_in_window = true;
    if (!stays) plan.entries.push_back(id);
    if (!stays && input.ledger.quarantined.contains(id)) plan.quarantine_marks.push_back(id);
    if (!stays && input.ledger.verified.contains(id)) plan.verified_marks.push_back(id);
  }
  for (const auto& id : input.ledger.entries) {
    if (id.sequence == 0 && id.fence < input.own && !fences.contains(id.fence)) plan.entries.push_back(id);
  }
  for (const auto& fence : input.ledger.anew) {
    if (fence < input.own && !fences.contains(fence)) plan.anew_marks.push_back(fence);
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
