// Which time a data point stands for: how finely values are kept for how long, and how they are gathered into the
// periods that somebody asks for. As CloudWatch documents it.
#pragma once

#include <array>
#include <vector>

#include "base/time.hpp"
#include "metrics/bucket.hpp"

namespace holdfast::metrics {

// Values are kept by the second, and summed up by the minute, five minutes and the hour as they come: who asks for a
// period gets the coarsest that makes it up, and nothing of what is older than that is kept.
struct Tier {
  seconds resolution;
  Duration kept;
};
constexpr std::array kTiers = {Tier{seconds{1}, hours{3}}, Tier{seconds{60}, hours{24 * 15}},
                               Tier{seconds{300}, hours{24 * 63}}, Tier{seconds{3600}, hours{24 * 455}}};
constexpr Duration kKeptLongest = kTiers.back().kept;

// The end of `at`'s stretch is not in it.
Instant floor_to(Instant at, seconds unit);

// 1, 5, 10, 30 or a multiple of 60.
bool is_period(std::int64_t period);
// Where the first period begins: the start asked for, rounded down to what is still kept (a minute, five minutes, an
// hour, by its age) or to a multiple of a period under a minute.
Instant first_period(Instant start, seconds period, Instant now);
// Index into kTiers: the coarsest that periods of this length from this start on are made up of.
std::size_t tier_for(Instant first, seconds period);

struct Point {
  Instant at;  // where its stretch begins
  Bucket bucket;
};
// Points into periods, which begin at `first` and follow each other; empty ones are left out. Points need no order;
// those before `first` are dropped.
std::vector<Point> by_period(const std::vector<Point>& points, Instant first, seconds period);

}  // namespace holdfast::metrics
