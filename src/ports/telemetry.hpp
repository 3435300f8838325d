// Where the logs and metrics of trainings go; logs are read through ports/log_store.hpp. Called from API threads;
// implementations lock as they need.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "job/spec.hpp"

namespace holdfast::ports {

struct LogEvent {
  std::int64_t timestamp_ms = 0;
  std::int64_t ingestion_ms = 0;
  std::string message;  // one line, without its line break
};

struct MetricValue {
  std::string name;
  double value = 0;
  std::int64_t timestamp_ms = 0;
};

class Telemetry {
 public:
  virtual ~Telemetry() = default;

  // Appends lines to the job's stream and scans them for its metrics. `sequence` counts the batches of one attempt from
  // 0: a batch that came before is not appended twice, and one of an older fence than the newest seen is refused
  // (Kind::conflict). Durable against a crash of the process, not of the machine: logs are not the ledger.
  virtual Result<void> append(const JobName& job, Fence fence, std::uint64_t sequence, const std::string& stream,
                              const std::vector<job::MetricDefinition>& metrics,
                              const std::vector<LogEvent>& lines) = 0;

  // The last value of each metric of the job, in the order of their names.
  virtual std::vector<MetricValue> last_metrics(const JobName& job) = 0;
  // Nothing of the job's logs and metrics is left. Who reads them at the moment may still get what was there.
  virtual Result<void> remove(const JobName& job) = 0;
};

}  // namespace holdfast::ports
