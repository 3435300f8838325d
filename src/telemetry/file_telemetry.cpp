#include "telemetry/file_telemetry.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "telemetry/utf8.hpp"

namespace holdfast::telemetry {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

constexpr std::string_view kStreamSuffix = ".log";
constexpr const char* kMetricsFile = "metrics.json";
constexpr std::size_t kMaxMetricsFile = 1024 * 1024;
constexpr std::size_t kMaxJobName = 63;
constexpr std::size_t kMaxStreamWord = 200;

// One word of a path: nothing that leads out of the directory, and no hidden file.
bool is_word(std::string_view word, std::size_t limit) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  return !word.empty() && word.size() <= limit && word[0] != '.' &&
         word.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool is_stream_name(std::string_view name) {
  const auto slash = name.find('/');
  return slash != std::string_view::npos && is_word(name.substr(0, slash), kMaxJobName) &&
         is_word(name.substr(slash + 1), kMaxStreamWord);
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

std::vector<std::string> streams_of(const fs::path& directory, const std::string& job) {
  std::vector<std::string> streams;
  for (const auto& name : names_in(directory / job)) {
    if (name.ends_with(kStreamSuffix)) {
      streams.push_back(job + "/" + name.substr(0, name.size() - kStreamSuffix.size()));
    }
  }
  std::sort(streams.begin(), streams.end());
  return streams;
}

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

Result<std::unique_ptr<FileTelemetry>> FileTelemetry::open(fs::path directory, Clock& clock,
                                                           ports::MetricStore* metrics) {
  if (auto made = make_directories(directory); !made) return fail(made.error());
  return std::unique_ptr<FileTelemetry>(new FileTelemetry(std::move(directory), clock, metrics));
}

FileTelemetry::FileTelemetry(fs::path directory, Clock& clock, ports::MetricStore* metrics)
    : directory_(std::move(directory)),
      clock_(clock),
      metrics_(metrics),
      streams_(kMaxOpenStreams),
      jobs_(kMaxJobsInMemory) {}

Result<void> FileTelemetry::append(const JobName& job_name, Fence fence, std::uint64_t sequence,
                                   const std::string& stream_name,
                                   const std::vector<job::MetricDefinition>& definitions,
                                   const std::vector<ports::LogEvent>& lines) {
  if (!is_stream_name(stream_name) || !stream_name.starts_with(job_name.value + "/")) {
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
    const auto open_stream = stream(stream_name, true);
    if (!open_stream) return fail(open_stream.error());
    if (auto appended = (*open_stream)->append(batch, clean); !appended) return appended;
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

std::vector<std::string> FileTelemetry::streams(const std::string& prefix) {
  const auto slash = prefix.find('/');
  // With the slash, so that jobs come in the order of their streams: "a-b/" before "a/".
  std::vector<std::string> jobs;
  if (slash != std::string::npos) {
    jobs.push_back(prefix.substr(0, slash + 1));
  } else {
    for (const auto& name : names_in(directory_)) {
      if (name.starts_with(prefix)) jobs.push_back(name + "/");
    }
    std::sort(jobs.begin(), jobs.end());
  }
  std::vector<std::string> streams;
  for (const auto& job : jobs) {
    const auto name = job.substr(0, job.size() - 1);
    if (!is_word(name, kMaxJobName)) continue;
    for (auto& stream : streams_of(directory_, name)) {
      if (streams.size() == kMaxStreamsListed) return streams;
      if (stream.starts_with(prefix)) streams.push_back(std::move(stream));
    }
  }
  return streams;
}

Result<ports::LogPage> FileTelemetry::read(const std::string& name, std::uint64_t from, std::size_t limit,
                                           std::int64_t start_ms, std::int64_t end_ms) {
  std::shared_ptr<LogStream> log;
  std::uint64_t size = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto opened = stream(name, false);
    if (!opened) return fail(opened.error());
    log = *opened;
    size = log->size();
  }
  return log->read(size, from, limit, start_ms, end_ms);
}

std::vector<ports::MetricValue> FileTelemetry::last_metrics(const JobName& name) {
  const std::lock_guard lock(mutex_);
  const auto record = job(name);
  if (!record) return {};
  std::vector<ports::MetricValue> values;
  for (const auto& [metric, value] : (*record)->metrics) values.push_back(value);
  return values;
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

Result<std::shared_ptr<LogStream>> FileTelemetry::stream(const std::string& name, bool create) {
  if (!is_stream_name(name)) return fail(Kind::not_found, "there is no log stream \"{}\"", name);
  if (const auto* open = streams_.find(name)) return *open;
  const fs::path path = directory_ / (name + std::string(kStreamSuffix));
  if (create) {
    if (auto made = make_directories(path.parent_path()); !made) return fail(made.error());
  }
  auto opened = LogStream::open(path, create);
  if (!opened && opened.error().kind == Kind::not_found) {
    return fail(Kind::not_found, "there is no log stream \"{}\"", name);
  }
  if (!opened) return fail(opened.error());
  return streams_.put(name, std::make_shared<LogStream>(std::move(*opened)));
}

Result<FileTelemetry::JobRecord*> FileTelemetry::job(const JobName& name) {
  if (!is_word(name.value, kMaxJobName)) return fail(Kind::invalid, "\"{}\" is no name of a job", name.value);
  if (auto* record = jobs_.find(name)) return record;
  auto loaded = load(name);
  if (!loaded) return fail(loaded.error());
  return &jobs_.put(name, std::move(*loaded));
}

Result<FileTelemetry::JobRecord> FileTelemetry::load(const JobName& name) {
  JobRecord record{.newest = {}, .metrics = load_metrics(name), .scanner = nullptr};
  for (const auto& stream_name : streams_of(directory_, name.value)) {
    const auto opened = stream(stream_name, false);
    if (!opened) return fail(opened.error());
    record.newest = std::max(record.newest, (*opened)->last_batch());
  }
  return record;
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
