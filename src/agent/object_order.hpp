// Which of a channel's objects a host gets, and in which order they are streamed. Pure, and the same on every machine:
// an attempt that begins anew, and every other host, come to the same answer.
#pragma once

#include <cstdint>
#include <vector>

namespace holdfast::agent {

// One of the hosts of a job, counted from 0.
struct HostShare {
  std::size_t index = 0;
  std::size_t count = 1;
};

// ShardedByS3Key: of items in the order of their keys every count-th is this host's, so the numbers of two hosts
// differ by one at most. Hosts beyond the number of items get nothing.
template <class Item>
std::vector<Item> share_of(std::vector<Item> items, HostShare share) {
  if (share.count == 1) return items;
  std::vector<Item> own;
  for (std::size_t i = share.index; i < items.size(); i += share.count) own.push_back(std::move(items[i]));
  return own;
}

// ShuffleConfig: a permutation of 0..count-1, another one for each epoch.
std::vector<std::uint32_t> shuffled(std::uint32_t count, std::int64_t seed, std::uint64_t epoch);

}  // namespace holdfast::agent
