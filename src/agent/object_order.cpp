#include "agent/object_order.hpp"

#include <numeric>
#include <utility>

#include "base/random.hpp"

namespace holdfast::agent {

std::vector<std::uint32_t> shuffled(std::uint32_t count, std::int64_t seed, std::uint64_t epoch) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  SeededRandom random(mix(static_cast<std::uint64_t>(seed), epoch));
  // Fisher and Yates. The remainder prefers some numbers by one part in 2^32 or less, which no training will notice.
  for (std::uint32_t left = count; left > 1; --left) std::swap(order[left - 1], order[random.next() % left]);
  return order;
}

}  // namespace holdfast::agent
