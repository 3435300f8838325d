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
  // An attempt that has only just opened chooses as if it had not.
  if (fence == reader && attempt.generations.empty()) return walk(older, kAll, reader, out);
  const bool readable = attempt.opening_readable || std::ranges::any_of(attempt.generations, [](const auto& entry) {
                          return !entry.second.spoilt;
                        });
  if (attempt.base_told) {
    if (!attempt.based_on) {
      out.push_back(std::nullopt);
    } else if (attempt.based_on->fence < fence) {
      walk(attempt.based_on->fence, attempt.based_on->sequence, reader, out);
    } else {
      walk(older, kAll, reader, out);
    }
  }
  if (!readable || !attempt.base_told) walk(older, kAll, reader, out);
}

}  // namespace holdfast::sim::checkers
