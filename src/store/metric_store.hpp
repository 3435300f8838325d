// The embedded metric store: one SQLite file beside the jobs' own, so that its writes never wait for theirs.
//
// A value is written into four tables at once, for its second, minute, five minutes and hour (metrics::kTiers), each
// row the sum of what fell into that stretch. So a question reads few rows whatever its period, late values need no
// special way, and rolling up is nobody's background work: to forget is all that is left, a little of it with each put.
#pragma once

#include <memory>
#include <string>

#include "base/time.hpp"
#include "ports/metrics.hpp"

namespace holdfast::store {

// Beyond either, the series that had no value for longest is forgotten.
constexpr std::int64_t kMaxSeries = 1'000'000;
constexpr std::int64_t kMaxMetricBytes = std::int64_t{8} * 1024 * 1024 * 1024;

struct MetricLimits {
  std::int64_t series = kMaxSeries;
  std::int64_t bytes = kMaxMetricBytes;
};

// `path` may be ":memory:", for tests. Kind::invalid: written by a newer Holdfast.
Result<std::unique_ptr<ports::MetricStore>> open_metric_store(const std::string& path, Clock& clock,
                                                              MetricLimits limits = {});

}  // namespace holdfast::store
