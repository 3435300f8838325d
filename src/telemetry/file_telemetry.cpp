#include "telemetry/file_telemetry.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "base/utf8.hpp"
#include "telemetry/log_names.hpp"

namespace holdfast::telemetry {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

constexpr const char* kMetricsFile = "metrics.json";
constexpr std::size_t kMaxMetricsFile = 1024 * 1024;

// Without fsync, as the logs are written: after a crash of the machine the last batches may be gone.
Result<void> replace_file(const fs::path& path, std::string_view bytes) {
  const auto beside = path.string() + ".new";
  const auto what = "writing " + path.string();
  {
    const Fd fd{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!fd) return fail_errno(what, errno);
    if (auto written = write_all(fd.get(), bytes, what); !written) return written;
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return fail_errno(what, errno);
  return {};
}

Result<void> put_values(ports::MetricStore& metrics, const JobName& job, const BatchId& batch,
                        const std::vector<ports::MetricValue>& values) {
  std::vector<ports::Measurement> measurements;
  measurements.reserve(values.size());
  for (const auto& value : values) {
    measurements.push_back({{ports::kTrainingJobsNamespace, value.name, {{"TrainingJobName", job.value}}},
                            "None",
                            from_ms(value.timestamp_ms),
                            metrics::Bucket::of(value.value),
                            true});
  }
  return metrics.put(measurements, ports::PutMark{"log/" + job.value, batch.fence, batch.sequence});
}

}  // namespace

Result<std::unique_ptr<FileTelemetry>> FileTelemetry::open(fs::path directory, Clock& clock, FileLogs& logs,
                                                           ports::MetricStore* metrics) {
  if (auto made = make_directories(directory); !made) return fail(made.error());
  return std::unique_ptr<FileTelemetry>(new FileTelemetry(std::move(directory), clock, logs, metrics));
}

FileTelemetry::FileTelemetry(fs::path directory, Clock& clock, FileLogs& logs, ports::MetricStore* metrics)
    : directory_(std::move(directory)), clock_(clock), logs_(logs), metrics_(metrics), jobs_(kMaxJobsInMemory) {}

Result<void> FileTelemetry::append(const JobName& job_name, Fence fence, std::uint64_t sequence,
                                   const std::string& stream_name,
                                   const std::vector<job::MetricDefinition>& definitions,
                                   const std::vector<ports::LogEvent>& lines) {
  if (!is_training_stream(stream_name) || !stream_name.starts_with(job_name.value + "/")) {
    return fail(Kind::invalid, "\"{}\" is no log stream of job \"{}\"", stream_name, job_name.value);
  }
  const auto metrics = scanner(job_name, definitions);
  const std::int64_t now_ms = to_ms(clock_.now());
  std::vector<ports::LogEvent> clean;
  std::vector<ports::MetricValue> found;
  clean.reserve(lines.size());
  for (const auto& line : lines) {
    clean.push_back({line.timestamp_ms, now_ms, valid_utf8(line.message, kMaxLineBytes)});
    auto values = metrics->scan(clean.back().message, line.timestamp_ms);
    std::move(values.begin(), values.end(), std::back_inserter(found));
  }

  std::unique_lock lock(mutex_);
  const auto record = job(job_name);
  if (!record) return fail(record.error());
  const BatchId batch{fence, sequence};
  auto& newest = (*record)->newest;
  if (newest && fence < newest->fence) {
    return fail(Kind::conflict, "logs of job {}: attempt {} is over, attempt {} has begun", job_name.value, fence.value,
                newest->fence.value);
  }
  if (newest && batch < *newest) return {};
  if (batch != newest) {
    if (auto appended = logs_.append(stream_name, batch, clean); !appended) return appended;
    newest = batch;
  }
  // For a repeated last batch too: the service may have died between its lines and its metrics.
  if (found.empty()) return {};
  for (auto& value : found) {
    auto& last = (*record)->metrics;
    if (last.size() < kMaxMetricsPerJob || last.contains(value.name)) last[value.name] = value;
  }
  save_metrics(job_name, (*record)->metrics);
  lock.unlock();
  // The batch is the mark: whatever was lost, and however often it is repeated, its values are counted once.
  const auto put = metrics_ ? put_values(*metrics_, job_name, batch, found) : Result<void>{};
  if (put) return {};
  const bool may_help = put.error().kind == Kind::try_again || put.error().kind == Kind::no_space;
  if (may_help) return put;
  // Where repeating does not help, a training's log must not wait for its metrics.
  log_warn("metrics of job {}: {}", job_name.value, put.error().message);
  return {};
}

std::vector<ports::MetricValue> FileTelemetry::last_metrics(const JobName& name) {
  const std::lock_guard lock(mutex_);
  const auto record = job(name);
  if (!record) return {};
  std::vector<ports::MetricValue> values;
  for (const auto& [metric, value] : (*record)->metrics) values.push_back(value);
  return values;
}

Result<void> FileTelemetry::remove(const JobName& name) {
  if (!is_job_word(name.value)) return fail(Kind::invalid, "\"{}\" is no name of a job", name.value);
  const std::string group(ports::kTrainingLogGroup);
  const std::lock_guard lock(mutex_);
  const auto streams = logs_.stream_names(group, name.value + "/");
  if (!streams) return fail(streams.error());
  for (const auto& stream : *streams) {
    auto removed = logs_.delete_stream(group, stream);
    if (!removed && removed.error().kind != Kind::not_found) return removed;
  }
  jobs_.erase(name);
  std::error_code error;
  fs::remove_all(directory_ / name.value, error);
  if (error) return fail(Kind::permanent, "removing the logs of {}: {}", name.value, error.message());
  return {};
}

// Compiled once per job: a job's definitions never change.
std::shared_ptr<const MetricScanner> FileTelemetry::scanner(const JobName& name,
                                                            const std::vector<job::MetricDefinition>& definitions) {
  {
    const std::lock_guard lock(mutex_);
    const auto record = job(name);
    if (record && (*record)->scanner) return (*record)->scanner;
  }
  auto compiled = std::make_shared<const MetricScanner>(definitions);
  const std::lock_guard lock(mutex_);
  if (const auto record = job(name)) (*record)->scanner = compiled;
  return compiled;
}

Result<FileTelemetry::JobRecord*> FileTelemetry::job(const JobName& name) {
  if (!is_job_word(name.value)) return fail(Kind::invalid, "\"{}\" is no name of a job", name.value);
  if (auto* record = jobs_.find(name)) return record;
  auto loaded = load(name);
  if (!loaded) return fail(loaded.error());
  return &jobs_.put(name, std::move(*loaded));
}

Result<FileTelemetry::JobRecord> FileTelemetry::load(const JobName& name) {
  auto newest = logs_.newest_batch(name);
  if (!newest) return fail(newest.error());
  return JobRecord{.newest = *newest, .metrics = load_metrics(name), .scanner = nullptr};
}

FileTelemetry::Metrics FileTelemetry::load_metrics(const JobName& name) const {
  const auto path = directory_ / name.value / kMetricsFile;
  const auto text = read_file(path, kMaxMetricsFile);
  if (!text) return {};
  try {
    Metrics metrics;
    const Json json = Json::parse(*text);
    for (const auto& [metric, last] : json.items()) {
      metrics[metric] = {metric, last.at("value").get<double>(), last.at("timestamp_ms").get<std::int64_t>()};
    }
    return metrics;
  } catch (const Json::exception& error) {
    log_warn("understanding {}: {}", path.string(), error.what());
    return {};
  }
}

void FileTelemetry::save_metrics(const JobName& name, const Metrics& metrics) const {
  Json json = Json::object();
  for (const auto& [metric, last] : metrics) {
    json[metric] = {{"value", last.value}, {"timestamp_ms", last.timestamp_ms}};
  }
  const auto saved =
      replace_file(directory_ / name.value / kMetricsFile, json.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!saved) log_warn("{}", saved.error().message);
}

}  // namespace holdfast::telemetry
