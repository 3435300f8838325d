// Logs and metrics as files: DIRECTORY/<job>/<rest of the stream's name>.log, and metrics.json with the job's last
// values. One mutex guards the tables and the appends; pages are read and metrics are searched outside it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "ports/metrics.hpp"
#include "ports/telemetry.hpp"
#include "telemetry/log_store.hpp"
#include "telemetry/lru.hpp"
#include "telemetry/metric_scanner.hpp"

namespace holdfast::telemetry {

constexpr std::size_t kMaxOpenStreams = 128;
constexpr std::size_t kMaxJobsInMemory = 512;
constexpr std::size_t kMaxStreamsListed = 10'000;
constexpr std::size_t kMaxMetricsPerJob = 100;

class FileTelemetry final : public ports::Telemetry {
 public:
  // `metrics`: where every value found in a log goes, once; null: only the last values are kept.
  static Result<std::unique_ptr<FileTelemetry>> open(std::filesystem::path directory, Clock& clock,
                                                     ports::MetricStore* metrics = nullptr);

  // Kind::invalid: a name that is no "<job>/<word>". Invalid UTF-8 in a message is replaced, a long message is cut
  // (kMaxLineBytes); the ingestion time is now.
  Result<void> append(const JobName& job, Fence fence, std::uint64_t sequence, const std::string& stream,
                      const std::vector<job::MetricDefinition>& metrics,
                      const std::vector<ports::LogEvent>& lines) override;
  std::vector<std::string> streams(const std::string& prefix) override;
  // A page may hold no events and yet lead on: when the times asked for lie far ahead.
  Result<ports::LogPage> read(const std::string& stream, std::uint64_t from, std::size_t limit, std::int64_t start_ms,
                              std::int64_t end_ms) override;
  std::vector<ports::MetricValue> last_metrics(const JobName& job) override;

 private:
  using Metrics = std::map<std::string, ports::MetricValue>;
  struct JobRecord {
    std::optional<BatchId> newest;  // over all the job's streams
    Metrics metrics;
    std::shared_ptr<const MetricScanner> scanner;  // shared with a scan that outlives the record's stay in memory
  };

  FileTelemetry(std::filesystem::path directory, Clock& clock, ports::MetricStore* metrics);
  std::shared_ptr<const MetricScanner> scanner(const JobName& job,
                                               const std::vector<job::MetricDefinition>& definitions);

  // ---- with mutex_ held
  // The pointer keeps the file open for a reader after the table has let go of it.
  Result<std::shared_ptr<LogStream>> stream(const std::string& name, bool create);
  // Valid until the next call.
  Result<JobRecord*> job(const JobName& name);
  Result<JobRecord> load(const JobName& name);
  Metrics load_metrics(const JobName& job) const;
  void save_metrics(const JobName& job, const Metrics& metrics) const;

  const std::filesystem::path directory_;
  Clock& clock_;
  ports::MetricStore* const metrics_;
  std::mutex mutex_;
  Lru<std::string, std::shared_ptr<LogStream>> streams_;
  Lru<JobName, JobRecord> jobs_;
};

}  // namespace holdfast::telemetry
