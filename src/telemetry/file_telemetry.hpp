// What trainings report: their lines go to FileLogs, and DIRECTORY/<job>/metrics.json holds the last values of the
// job's metrics. One mutex guards the tables and the appends; metrics are searched outside it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/lru.hpp"
#include "base/time.hpp"
#include "ports/metrics.hpp"
#include "ports/telemetry.hpp"
#include "telemetry/file_logs.hpp"
#include "telemetry/metric_scanner.hpp"

namespace holdfast::telemetry {

constexpr std::size_t kMaxJobsInMemory = 512;
constexpr std::size_t kMaxMetricsPerJob = 100;

class FileTelemetry final : public ports::Telemetry {
 public:
  // `logs` of the same directory. `metrics`: where every value found in a log goes, once; null: only the last values
  // are kept.
  static Result<std::unique_ptr<FileTelemetry>> open(std::filesystem::path directory, Clock& clock, FileLogs& logs,
                                                     ports::MetricStore* metrics = nullptr);

  // Kind::invalid: a name that is no "<job>/<word>". Invalid UTF-8 in a message is replaced, a long message is cut
  // (kMaxLineBytes); the ingestion time is now.
  Result<void> append(const JobName& job, Fence fence, std::uint64_t sequence, const std::string& stream,
                      const std::vector<job::MetricDefinition>& metrics,
                      const std::vector<ports::LogEvent>& lines) override;
  std::vector<ports::MetricValue> last_metrics(const JobName& job) override;
  Result<void> remove(const JobName& job) override;

 private:
  using Metrics = std::map<std::string, ports::MetricValue>;
  struct JobRecord {
    std::optional<BatchId> newest;  // over all the job's streams
    Metrics metrics;
    std::shared_ptr<const MetricScanner> scanner;  // shared with a scan that outlives the record's stay in memory
  };

  FileTelemetry(std::filesystem::path directory, Clock& clock, FileLogs& logs, ports::MetricStore* metrics);
  std::shared_ptr<const MetricScanner> scanner(const JobName& job,
                                               const std::vector<job::MetricDefinition>& definitions);

  // ---- with mutex_ held
  // Valid until the next call.
  Result<JobRecord*> job(const JobName& name);
  Result<JobRecord> load(const JobName& name);
  Metrics load_metrics(const JobName& job) const;
  void save_metrics(const JobName& job, const Metrics& metrics) const;

  const std::filesystem::path directory_;
  Clock& clock_;
  FileLogs& logs_;
  ports::MetricStore* const metrics_;
  std::mutex mutex_;
  Lru<JobName, JobRecord> jobs_;
};

}  // namespace holdfast::telemetry
