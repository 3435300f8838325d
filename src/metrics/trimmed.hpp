// CloudWatch's statistics of a part of the values: TM(10%:90%), tm90, IQM, WM, TC, TS and PR.
#pragma once

#include <optional>
#include <string_view>

#include "metrics/distribution.hpp"

namespace holdfast::metrics {

// Of all values in their order the part between two shares (percent), or those above `low` and not above `high`.
struct Bounds {
  bool percent = true;
  std::optional<double> low, high;  // nothing: no bound on that side
  bool operator==(const Bounds&) const = default;
};

struct Trimmed {
  enum class Kind { mean, winsorized_mean, count, sum, percentile_rank };
  Kind kind = Kind::mean;
  Bounds bounds;
  bool operator==(const Trimmed&) const = default;
};

// Whatever the case of its letters. Nothing: it is none of them.
std::optional<Trimmed> parse_trimmed(std::string_view text);

// As if each value were the rounded one that the distribution has (docs/metrics.md). Nothing: there are no values to
// tell it from.
std::optional<double> value_of(const Distribution& distribution, const Trimmed& statistic);

}  // namespace holdfast::metrics
