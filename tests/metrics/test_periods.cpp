#include "metrics/periods.hpp"

#include <doctest/doctest.h>

#include <map>

#include "base/random.hpp"

using namespace holdfast;
using namespace holdfast::metrics;

namespace {
constexpr Instant kNow = from_ms(1'800'000'000'000);  // 08:00:00 on 2027-01-15
}  // namespace

TEST_CASE("periods that there are") {
  for (const int period : {1, 5, 10, 30, 60, 120, 300, 3600, 86400}) CHECK(is_period(period));
  for (const int period : {-60, 0, 2, 15, 59, 61, 90}) CHECK(!is_period(period));
}

TEST_CASE("a start is rounded down to what is still kept of its age") {
  struct Row {
    Duration ago;
    int period;
    Duration rounded_ago;
  };
  const Row rows[] = {
      {seconds{7}, 1, seconds{7}},
      {milliseconds{6'500}, 1, seconds{7}},
      {seconds{7}, 5, seconds{10}},
      {seconds{7}, 30, seconds{30}},
      {seconds{7}, 60, seconds{60}},
      {seconds{61}, 300, seconds{120}},  // CloudWatch's periods begin at the start, not at the full five minutes
      {hours{24 * 15} + seconds{1}, 300, hours{24 * 15} + seconds{300}},
      {hours{24 * 63} + seconds{1}, 3600, hours{24 * 63} + seconds{3600}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.ago.count());
    CAPTURE(row.period);
    CHECK((kNow - first_period(kNow - row.ago, seconds{row.period}, kNow)).count() == row.rounded_ago.count());
  }
  CHECK(floor_to(from_ms(-1), seconds{60}) == from_ms(-60'000));
}

TEST_CASE("periods are made up of the coarsest values that fit") {
  CHECK(tier_for(kNow, seconds{1}) == 0);
  CHECK(tier_for(kNow, seconds{30}) == 0);
  CHECK(tier_for(kNow, seconds{60}) == 1);
  CHECK(tier_for(kNow, seconds{120}) == 1);
  CHECK(tier_for(kNow, seconds{300}) == 2);
  CHECK(tier_for(kNow, seconds{86400}) == 3);
  CHECK(tier_for(kNow + seconds{60}, seconds{86400}) == 1);
  CHECK(tier_for(kNow + seconds{300}, seconds{3600}) == 2);
}

TEST_CASE("random points fall into the periods of the naive model") {
  SeededRandom random(11);
  for (int round = 0; round < 50; ++round) {
    const seconds period{60 * (1 + static_cast<int>(random.next() % 10))};
    const Instant first = kNow + seconds{60 * static_cast<int>(random.next() % 5)};
    std::vector<Point> points;
    std::map<std::int64_t, std::pair<double, int>> naive;  // period number -> sum and count
    for (int i = 0; i < 100; ++i) {
      const Instant at = first + seconds{static_cast<int>(random.next() % 4000) - 300};
      const auto value = static_cast<double>(random.next() % 100);
      points.push_back({at, Bucket::of(value)});
      if (at < first) continue;
      auto& [sum, count] = naive[(at - first) / period];
      sum += value;
      ++count;
    }
    const auto gathered = by_period(points, first, period);
    REQUIRE(gathered.size() == naive.size());
    auto expected = naive.begin();
    for (const auto& [at, bucket] : gathered) {
      CHECK(at == first + expected->first * period);
      CHECK(bucket.sum == expected->second.first);
      CHECK(bucket.samples == expected->second.second);
      ++expected;
    }
  }
}
