#include "sim/checkers/ledger_model.hpp"

#include <algorithm>
#include <limits>

namespace holdfast::sim::checkers {

namespace {
constexpr auto kAll = std::numeric_limits<std::uint64_t>::max();
}  // namespace

void LedgerModel::store(const GenerationStored& stored) {
  auto& entry = attempts_[stored.fence].generations[stored.sequence];
  entry.whole = stored.whole;
  entry.step = stored.step;
  entry.based_on = stored.based_on;
  entry.spoilt = false;
}

void LedgerModel::spoil(const GenerationId& generation) {
  const auto found = attempts_.find(generation.fence);
  if (found == attempts_.end()) return;
  if (generation.sequence == 0) {
    found->second.opening_readable = false;
  } else if (const auto entry = found->second.generations.find(generation.sequence);
             entry != found->second.generations.end()) {
    entry->second.spoilt = true;
  }
}

void LedgerModel::quarantine(const GenerationId& generation) {
  const auto found = attempts_.find(generation.fence);
  if (found == attempts_.end()) return;
  const auto entry = found->second.generations.find(generation.sequence);
  if (entry != found->second.generations.end()) entry->second.quarantined = true;
}

void LedgerModel::remove(const GenerationId& generation) {
  const auto found = attempts_.find(generation.fence);
  if (found == attempts_.end()) return;
  if (generation.sequence == 0) {
    found->second.opening = found->second.opening_readable = false;
  } else {
    found->second.generations.erase(generation.sequence);
  }
  if (!found->second.opening && found->second.generations.empty()) attempts_.erase(found);
}

void LedgerModel::open(Fence fence, const Choice& based_on) {
  auto& attempt = attempts_[fence];
  attempt.opening = attempt.opening_readable = attempt.base_told = true;
  attempt.based_on = based_on;
  newest_opened_ = std::max(newest_opened_, fence);
}

const LedgerModel::Entry* LedgerModel::find(const GenerationId& generation) const {
  const auto attempt = attempts_.find(generation.fence);
  if (attempt == attempts_.end()) return nullptr;
  const auto entry = attempt->second.generations.find(generation.sequence);
  return entry == attempt->second.generations.end() ? nullptr : &entry->second;
}

bool LedgerModel::any_of(Fence fence, const std::function<bool(const Entry&)>& holds) const {
  const auto attempt = attempts_.find(fence);
  return attempt != attempts_.end() &&
         std::ranges::any_of(attempt->second.generations, [&](const auto& one) { return holds(one.second); });
}

std::vector<LedgerModel::Choice> LedgerModel::choices(Fence reader) const {
  std::vector<Choice> out;
  walk(reader, kAll, reader, out);
  return out;
}

void LedgerModel::walk(Fence below_or_at, std::uint64_t sequence_up_to, Fence reader, std::vector<Choice>& out) const {
  auto next = attempts_.upper_bound(below_or_at);
  if (next == attempts_.begin()) {
    out.push_back(std::nullopt);
    return;
  }
  const auto& [fence, attempt] = *std::prev(next);
  const std::uint64_t up_to = fence == below_or_at ? sequence_up_to : kAll;
  for (auto entry = attempt.generations.upper_bound(up_to); entry != attempt.generations.begin();) {
    --entry;
    if (entry->second.quarantined) continue;
    out.push_back(GenerationId{fence, entry->first});
    return;
  }
  const Fence older{fence.value - 1};
  // An attempt that has only opened hides nothing, and one that chooses again does not hide it from itself.
  if (attempt.generations.empty() && (!attempt.anew || fence == reader)) return walk(older, kAll, reader, out);
  if (attempt.generations.empty()) return out.push_back(std::nullopt);
  // The newest that can be read says it; which object of a damaged one is the bad one is not known.
  std::set<Choice> bases;
  bool sure = false;
  for (auto entry = attempt.generations.rbegin(); entry != attempt.generations.rend() && !sure; ++entry) {
    bases.insert(entry->second.based_on);
    sure = !entry->second.spoilt;
  }
  if (!sure && attempt.base_told) bases.insert(attempt.based_on);
  for (const auto& base : bases) walk_on(fence, base, reader, out);
  if (!sure && !(attempt.base_told && attempt.opening_readable)) walk(older, kAll, reader, out);
}

void LedgerModel::walk_on(Fence from, const Choice& base, Fence reader, std::vector<Choice>& out) const {
  if (!base) {
    out.push_back(std::nullopt);
  } else if (base->fence < from) {
    walk(base->fence, base->sequence, reader, out);
  } else {
    walk(Fence{from.value - 1}, kAll, reader, out);
  }
}

}  // namespace holdfast::sim::checkers
