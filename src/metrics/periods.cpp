#include "metrics/periods.hpp"

#include <map>

namespace holdfast::metrics {

Instant floor_to(Instant at, seconds unit) {
  const auto since = at.time_since_epoch();
  auto rest = since % unit;
  if (rest < Duration{0}) rest += unit;
  return Instant{since - rest};
}

bool is_period(std::int64_t period) {
  return period == 1 || period == 5 || period == 10 || period == 30 || (period > 0 && period % 60 == 0);
}

Instant first_period(Instant start, seconds period, Instant now) {
  if (period < seconds{60}) return floor_to(start, period);
  const Duration age = now - start;
  if (age < kTiers[1].kept) return floor_to(start, kTiers[1].resolution);
  if (age < kTiers[2].kept) return floor_to(start, kTiers[2].resolution);
  return floor_to(start, kTiers[3].resolution);
}

std::size_t tier_for(Instant first, seconds period) {
  for (std::size_t tier = kTiers.size() - 1; tier > 0; --tier) {
    const auto unit = kTiers[tier].resolution;
    if (period % unit == seconds{0} && floor_to(first, unit) == first) return tier;
  }
  return 0;
}

std::vector<Point> by_period(const std::vector<Point>& points, Instant first, seconds period) {
  std::map<Instant, Bucket> periods;
  for (const auto& point : points) {
    if (point.at < first) continue;
    periods[first + floor_to(Instant{point.at - first}, period).time_since_epoch()].merge(point.bucket);
  }
  std::vector<Point> gathered;
  gathered.reserve(periods.size());
  for (auto& [at, bucket] : periods) gathered.push_back({at, std::move(bucket)});
  return gathered;
}

}  // namespace holdfast::metrics
