// Where the values of metrics go, and where they are asked for. Called from API threads; implementations lock as they
// need.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "metrics/bucket.hpp"
#include "metrics/periods.hpp"

namespace holdfast::ports {

constexpr const char* kTrainingJobsNamespace = "/aws/sagemaker/TrainingJobs";

using Dimensions = std::vector<std::pair<std::string, std::string>>;  // name and value, sorted, each name once

struct Metric {
  std::string space;  // the namespace
  std::string name;
  Dimensions dimensions;
  auto operator<=>(const Metric&) const = default;
};

struct Measurement {
  Metric metric;
  std::string unit;  // "None", "Percent", "Count/Second" ...
  Instant at;
  metrics::Bucket values;
  bool by_the_second = false;  // else its time is the minute that `at` lies in
};

// Where a stream of puts has come to, so that one that is repeated, after whatever crash, is not counted twice.
struct PutMark {
  std::string source;
  Fence fence;
  std::uint64_t sequence = 0;
};

// One unit's points, in the order of their time.
struct UnitPoints {
  std::string unit;
  std::vector<metrics::Point> points;
};

struct MetricQuestion {
  std::string space = {}, name = {};       // empty: any
  Dimensions with = {};                    // names with these values
  std::vector<std::string> with_any = {};  // names with any value
  std::optional<Instant> active_since = {};
  std::size_t limit = 500;
  std::optional<Metric> after = {};  // go on behind this one
};
struct MetricPage {
  std::vector<Metric> metrics;  // by namespace, name and dimensions
  bool more = false;
};

class MetricStore {
 public:
  virtual ~MetricStore() = default;

  // All or nothing; survives the end of the process, not that of the machine. With a mark that is not newer than the
  // source's last one: no effect, and success. Points too old to be kept, or more
  // than a day ahead, are dropped.
  virtual Result<void> put(const std::vector<Measurement>& measurements, const std::optional<PutMark>& mark) = 0;
  // What is kept in metrics::kTiers[tier] of from <= at < to, by unit; an empty `unit` is any.
  virtual Result<std::vector<UnitPoints>> read(const Metric& metric, const std::string& unit, std::size_t tier,
                                               Instant from, Instant to) = 0;
  virtual Result<MetricPage> list(const MetricQuestion& question) = 0;
};

}  // namespace holdfast::ports
