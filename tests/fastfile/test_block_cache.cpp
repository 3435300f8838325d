#include "fastfile/block_cache.hpp"

#include <doctest/doctest.h>

#include "base/random.hpp"
#include "fastfile/read_ahead.hpp"

using namespace holdfast;
using namespace holdfast::fastfile;
using Need = BlockCache::Need;
using State = BlockCache::State;

namespace {

constexpr std::uint64_t kSize = 1000;
constexpr std::uint64_t room_for(std::uint64_t blocks) { return blocks * (kSize + kBlockOverhead); }

void put(BlockCache& cache, const BlockId& id, Need need = Need::asked) {
  REQUIRE(cache.reserve(id, kSize, need));
  cache.fill(id, std::string(kSize, 'x'));
}

}  // namespace

TEST_CASE("a block is absent, on its way, there; one that does not come leaves nothing") {
  BlockCache cache(room_for(2));
  CHECK(cache.state({1, 0}) == State::absent);
  REQUIRE(cache.reserve({1, 0}, kSize, Need::asked));
  CHECK(cache.state({1, 0}) == State::loading);
  CHECK(cache.get({1, 0}) == nullptr);
  cache.fill({1, 0}, "bytes");
  CHECK(cache.state({1, 0}) == State::ready);
  CHECK(*cache.get({1, 0}) == "bytes");
  REQUIRE(cache.reserve({1, 1}, kSize, Need::asked));
  cache.give_up({1, 1});
  CHECK(cache.state({1, 1}) == State::absent);
  CHECK(cache.bytes() == room_for(1));
}

TEST_CASE("what was used longest ago goes first, what is on its way never") {
  BlockCache cache(room_for(3));
  REQUIRE(cache.reserve({9, 9}, kSize, Need::asked));
  put(cache, {1, 0});
  put(cache, {1, 1});
  CHECK(cache.get({1, 0}));
  CHECK(cache.get({1, 1}));
  CHECK(cache.get({1, 0}));
  put(cache, {1, 2});
  CHECK(cache.state({1, 1}) == State::absent);
  CHECK(cache.state({1, 0}) == State::ready);
  CHECK(cache.state({9, 9}) == State::loading);
  REQUIRE(cache.reserve({9, 8}, kSize, Need::asked));
  REQUIRE(cache.reserve({9, 7}, kSize, Need::asked));
  CHECK_FALSE(cache.reserve({9, 6}, kSize, Need::asked));
  cache.fill({9, 9}, "now it is there");
  CHECK(cache.reserve({9, 6}, kSize, Need::asked));
}

TEST_CASE("what is read ahead does not push out what was read ahead, but what was used up") {
  BlockCache cache(room_for(2));
  put(cache, {1, 0}, Need::ahead);
  put(cache, {1, 1}, Need::ahead);
  CHECK_FALSE(cache.reserve({1, 2}, kSize, Need::ahead));
  cache.let_go({1, 0});
  CHECK(cache.reserve({1, 2}, kSize, Need::ahead));
  CHECK(cache.state({1, 0}) == State::absent);
  CHECK(cache.state({1, 1}) == State::ready);
  CHECK(cache.reserve({2, 0}, kSize, Need::asked));  // somebody waits for it
  CHECK(cache.state({1, 1}) == State::absent);
}

TEST_CASE("a block that is held lives on when its place is given away") {
  BlockCache cache(room_for(1));
  put(cache, {1, 0});
  const auto held = cache.get({1, 0});
  put(cache, {1, 1});
  CHECK(cache.state({1, 0}) == State::absent);
  CHECK(held->size() == kSize);
}

TEST_CASE("whatever is done, it never holds more than it may") {
  SeededRandom random(7);
  BlockCache cache(room_for(8));
  std::uint64_t refused = 0, granted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const BlockId id{random.next() % 3, random.next() % 10};
    switch (cache.state(id)) {
      case State::absent:
        (cache.reserve(id, random.next() % (2 * kSize), random.next() % 2 ? Need::asked : Need::ahead) ? granted
                                                                                                       : refused)++;
        break;
      case State::loading:
        random.next() % 4 == 0 ? cache.give_up(id) : cache.fill(id, "x");
        break;
      case State::ready:
        if (random.next() % 3 == 0) cache.let_go(id);
        CHECK(cache.get(id));
    }
    REQUIRE(cache.bytes() <= cache.capacity());
  }
  CHECK(granted > 1000);
  CHECK(refused > 100);
}

TEST_CASE("a file that is read on and on is fetched further ahead each time, up to a bound") {
  ReadAhead ahead;
  constexpr std::uint64_t blocks = 1000;
  std::uint64_t fetched_to = 1, most = 0;
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const auto plan = ahead.on_read(block, block, blocks, false, kMostAhead);
    CHECK(plan.leave.count == 0);
    if (plan.fetch.count > 0) {
      CHECK(plan.fetch.first == std::max(fetched_to, block + 1));
      fetched_to = plan.fetch.first + plan.fetch.count;
    }
    most = std::max(most, fetched_to - block - 1);
    CHECK(fetched_to <= blocks);
    if (block + 1 < blocks) CHECK(fetched_to > block + 1);  // the next one is always on its way
  }
  CHECK(most == kMostAhead);
  CHECK(fetched_to == blocks);
}

TEST_CASE("small reads within a block ask for nothing more, and overtaking ones are one stream") {
  ReadAhead ahead;
  CHECK(ahead.on_read(0, 0, 100, false, 8).fetch.count == 2);
  for (int i = 0; i < 7; ++i) CHECK(ahead.on_read(0, 0, 100, false, 8).fetch.count == 0);
  CHECK(ahead.on_read(1, 1, 100, false, 8).fetch.count > 0);
  ahead.on_read(0, 0, 100, false, 8);
  CHECK(ahead.streams());
  CHECK(ahead.on_read(2, 2, 100, false, 8).leave.count == 0);
  CHECK(ahead.streams());
}

TEST_CASE("reads that jump about fetch nothing ahead, and leave what was fetched before") {
  ReadAhead ahead;
  ahead.on_read(0, 0, 1000, false, 8);
  ahead.on_read(1, 1, 1000, false, 8);
  const auto jump = ahead.on_read(500, 500, 1000, false, 8);
  CHECK(jump.fetch.count == 0);
  CHECK(jump.leave.first == 2);
  CHECK(jump.leave.count >= 2);
  CHECK_FALSE(ahead.streams());
  for (const std::uint64_t block : {20, 800, 3, 999, 400}) {
    const auto plan = ahead.on_read(block, block, 1000, true, 8);
    CHECK(plan.fetch.count == 0);
    CHECK(plan.leave.count == 0);
  }
  CHECK(ahead.on_read(401, 401, 1000, true, 8).fetch.count == 2);  // and on from there it is a stream again
}

TEST_CASE("what was planned and did not happen is planned again") {
  ReadAhead ahead;
  ahead.on_read(0, 0, 100, true, 8);
  ahead.on_read(1, 1, 100, false, 8);
  const auto plan = ahead.on_read(2, 2, 100, true, 8);
  CHECK(plan.fetch.first == 3);
  CHECK(plan.fetch.count == 8);
}

TEST_CASE("where there is no room nothing is fetched ahead") {
  ReadAhead ahead;
  for (std::uint64_t block = 0; block < 10; ++block) CHECK(ahead.on_read(block, block, 100, true, 0).fetch.count <= 1);
}
