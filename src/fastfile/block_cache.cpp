#include "fastfile/block_cache.hpp"

#include "base/ensure.hpp"

namespace holdfast::fastfile {

BlockCache::State BlockCache::state(const BlockId& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return State::absent;
  return found->second.rank == Rank::loading ? State::loading : State::ready;
}

Block BlockCache::get(const BlockId& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.rank == Rank::loading) return nullptr;
  move_to(found->second, Rank::touched);
  return found->second.block;
}

bool BlockCache::reserve(const BlockId& id, std::uint64_t size, Need need) {
  const auto cost = size + kBlockOverhead;
  while (bytes_ + cost > capacity_) {
    if (!drop_one(need)) return false;
  }
  const auto [entry, added] = entries_.try_emplace(id, Entry{.cost = cost});
  ENSURE(added, "block {} of file {} is there already", id.index, id.file);
  bytes_ += cost;
  entry->second.place = order(Rank::loading).insert(order(Rank::loading).end(), id);
  return true;
}

void BlockCache::fill(const BlockId& id, std::string bytes) {
  auto& entry = entries_.at(id);
  entry.block = std::make_shared<const std::string>(std::move(bytes));
  move_to(entry, Rank::unread);
}

void BlockCache::give_up(const BlockId& id) {
  const auto found = entries_.find(id);
  ENSURE(found != entries_.end() && found->second.rank == Rank::loading, "block {} is not on its way", id.index);
  bytes_ -= found->second.cost;
  order(Rank::loading).erase(found->second.place);
  entries_.erase(found);
}

void BlockCache::let_go(const BlockId& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.rank == Rank::loading) return;
  move_to(found->second, Rank::spent);
}

void BlockCache::move_to(Entry& entry, Rank rank) {
  order(rank).splice(order(rank).end(), order(entry.rank), entry.place);
  entry.rank = rank;
}

bool BlockCache::drop_one(Need need) {
  for (const auto rank : {Rank::spent, Rank::touched, Rank::unread}) {
    if (rank == Rank::unread && need == Need::ahead) return false;
    if (order(rank).empty()) continue;
    const auto found = entries_.find(order(rank).front());
    order(rank).pop_front();
    bytes_ -= found->second.cost;
    entries_.erase(found);
    return true;
  }
  return false;
}

}  // namespace holdfast::fastfile
