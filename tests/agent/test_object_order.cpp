#include "agent/object_order.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace holdfast::agent;

TEST_CASE("the shares of all hosts are all items, once, and differ by one at most") {
  for (std::size_t items : {0U, 1U, 2U, 7U, 64U, 1001U}) {
    for (std::size_t hosts : {1U, 2U, 3U, 8U, 20U}) {
      std::vector<std::size_t> all;
      for (std::size_t i = 0; i < items; ++i) all.push_back(i);
      std::multiset<std::size_t> seen;
      for (std::size_t host = 0; host < hosts; ++host) {
        const auto own = share_of(all, {host, hosts});
        CHECK(own.size() >= items / hosts);
        CHECK(own.size() <= items / hosts + 1);
        CHECK(std::ranges::is_sorted(own));
        seen.insert(own.begin(), own.end());
      }
      CHECK(std::ranges::equal(seen, all));
    }
  }
}

TEST_CASE("a shuffle is a permutation that its seed and its epoch decide") {
  const auto first = shuffled(1000, 7, 0);
  CHECK(std::set<std::uint32_t>(first.begin(), first.end()).size() == 1000);
  CHECK(*std::ranges::max_element(first) == 999);
  CHECK(shuffled(1000, 7, 0) == first);
  CHECK(shuffled(1000, 7, 1) != first);
  CHECK(shuffled(1000, -8, 0) != first);
  CHECK(shuffled(0, 7, 0).empty());
  CHECK(shuffled(1, 7, 3) == std::vector<std::uint32_t>{0});
}

// Written down once: hosts of different versions share the objects of one job.
TEST_CASE("a shuffle is the same on every machine") {
  CHECK(shuffled(8, 7, 0) == std::vector<std::uint32_t>{2, 3, 7, 5, 1, 0, 6, 4});
}

TEST_CASE("every place is about as likely") {
  std::vector<int> where_zero_went(10, 0);
  for (std::uint64_t epoch = 0; epoch < 10'000; ++epoch) {
    const auto order = shuffled(10, 1, epoch);
    ++where_zero_went[static_cast<std::size_t>(std::ranges::find(order, 0U) - order.begin())];
  }
  for (const int count : where_zero_went) {
    CHECK(count > 850);
    CHECK(count < 1150);
  }
}
