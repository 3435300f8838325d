#include "metrics/bucket.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace holdfast::metrics {
namespace {

using Which = Statistic::Kind;

struct Name {
  std::string_view text;
  Which kind;
};
constexpr std::array kNames = {Name{"SampleCount", Which::sample_count}, Name{"Average", Which::average},
                               Name{"Sum", Which::sum}, Name{"Minimum", Which::minimum},
                               Name{"Maximum", Which::maximum}};
constexpr double kMostCounted = 1e12;

std::uint64_t whole(double samples) {
  return static_cast<std::uint64_t>(std::clamp(std::round(samples), 1.0, kMostCounted));
}

}  // namespace

Bucket Bucket::of(double value, double samples) {
  Bucket bucket{samples, value * samples, value, value, {}};
  bucket.distribution.add(value, whole(samples));
  return bucket;
}

Bucket Bucket::summed_up(double samples, double sum, double minimum, double maximum) {
  Bucket bucket{samples, sum, minimum, maximum, {}};
  if (minimum == maximum) {
    bucket.distribution.add(minimum, whole(samples));
  } else {
    bucket.distribution.mark_incomplete();
  }
  return bucket;
}

void Bucket::merge(const Bucket& other) {
  if (other.samples == 0) return;
  minimum = samples == 0 ? other.minimum : std::min(minimum, other.minimum);
  maximum = samples == 0 ? other.maximum : std::max(maximum, other.maximum);
  samples += other.samples;
  sum += other.sum;
  distribution.merge(other.distribution);
}

Result<Statistic> parse_statistic(std::string_view text) {
  for (const auto& name : kNames)
    if (text == name.text) return Statistic{name.kind, 0};
  double percent = -1;
  if (text.size() > 1 && (text[0] == 'p' || text[0] == 'P')) {
    const auto [end, error] =
        std::from_chars(text.data() + 1, text.data() + text.size(), percent, std::chars_format::fixed);
    if (error == std::errc{} && end == text.data() + text.size() && percent >= 0 && percent <= 100)
      return Statistic{Which::percentile, percent};
  }
  if (const auto trimmed = parse_trimmed(text)) return Statistic{Which::trimmed, 0, *trimmed};
  return fail(
      Kind::invalid,
      "the statistic {} is not supported: use SampleCount, Average, Sum, Minimum, Maximum, a percentile such as p99 or "
      "p99.9, IQM, or TM, WM, TC, TS and PR as in tm90, TM(10%:90%), PR(:300)",
      text);
}

namespace {

// Rounding must not lead a mean beyond what was ever seen, or that moved to the bounds.
std::optional<double> trimmed(const Bucket& bucket, const Trimmed& statistic) {
  const auto value = value_of(bucket.distribution, statistic);
  const bool winsorized = statistic.kind == Trimmed::Kind::winsorized_mean;
  if (!value || (!winsorized && statistic.kind != Trimmed::Kind::mean)) return value;
  auto least = bucket.minimum, most = bucket.maximum;
  if (winsorized && !statistic.bounds.percent) {
    for (auto* end : {&least, &most}) {
      if (statistic.bounds.low) *end = std::max(*end, *statistic.bounds.low);
      if (statistic.bounds.high) *end = std::min(*end, *statistic.bounds.high);
    }
  }
  return std::clamp(*value, least, most);
}

}  // namespace

std::optional<double> value_of(const Bucket& bucket, const Statistic& statistic) {
  if (bucket.samples == 0) return std::nullopt;
  switch (statistic.kind) {
    case Which::sample_count:
      return bucket.samples;
    case Which::average:
      return bucket.sum / bucket.samples;
    case Which::sum:
      return bucket.sum;
    case Which::minimum:
      return bucket.minimum;
    case Which::maximum:
      return bucket.maximum;
    case Which::trimmed:
      return trimmed(bucket, statistic.trimmed);
    case Which::percentile:
      break;
  }
  if (bucket.minimum == bucket.maximum) return bucket.minimum;
  const auto value = bucket.distribution.percentile(statistic.percent);
  // Rounding must not lead beyond what was ever seen.
  return value ? std::optional(std::clamp(*value, bucket.minimum, bucket.maximum)) : std::nullopt;
}

}  // namespace holdfast::metrics
