// What is known of a metric's values within one stretch of time, and the statistics that CloudWatch makes of it.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "metrics/distribution.hpp"
#include "metrics/trimmed.hpp"

namespace holdfast::metrics {

struct Bucket {
  double samples = 0;
  double sum = 0;
  double minimum = 0;  // of all values; nothing without samples
  double maximum = 0;
  Distribution distribution;

  // `value`, `samples` times: a count need not be whole for any statistic but percentiles, which round it.
  static Bucket of(double value, double samples = 1);
  // What somebody else summed up. Percentiles can be had of it only where all of its values are the same.
  static Bucket summed_up(double samples, double sum, double minimum, double maximum);
  void merge(const Bucket& other);
};

struct Statistic {
  enum class Kind { sample_count, average, sum, minimum, maximum, percentile, trimmed };
  Kind kind = Kind::average;
  double percent = 0;    // of a percentile
  Trimmed trimmed = {};  // of that kind
  // CloudWatch calls extended what cannot be told from the five sums alone.
  bool is_extended() const { return kind == Kind::percentile || kind == Kind::trimmed; }
};

// "Average", "p99.9", "tm90". Kind::invalid: not one of them, with what there is instead.
Result<Statistic> parse_statistic(std::string_view text);
// Nothing: an extended statistic of values of which only the sum is known, or of no values.
std::optional<double> value_of(const Bucket& bucket, const Statistic& statistic);

}  // namespace holdfast::metrics
