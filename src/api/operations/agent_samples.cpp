#include "api/operations/agent_samples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

struct Known {
  std::string_view name;
  const char* unit;
  double most;
  bool of_checkpoints = false;
};
constexpr double kMaxPercent = 1e6;  // 10,000 processors
constexpr double kMaxBytes = 1e18, kMaxSeconds = 1e9;
constexpr std::array<Known, 9> kKnown = {{{"CPUUtilization", "Percent", kMaxPercent},
                                          {"MemoryUtilization", "Percent", kMaxPercent},
                                          {"DiskUtilization", "Percent", kMaxPercent},
                                          {"GPUUtilization", "Percent", kMaxPercent},
                                          {"GPUMemoryUtilization", "Percent", kMaxPercent},
                                          {"CheckpointAge", "Seconds", kMaxSeconds, true},
                                          {"CheckpointBytesAtRisk", "Bytes", kMaxBytes, true},
                                          {"CheckpointUploadRate", "Bytes/Second", kMaxBytes, true},
                                          {"CheckpointTimeToSafe", "Seconds", kMaxSeconds, true}}};
constexpr std::size_t kMaxSamples = 1000;
constexpr std::int64_t kMaxTimestampMs = 100'000'000'000'000;  // the year 5138

tl::unexpected<ApiError> wrong(std::string message) { return tl::unexpected(validation(std::move(message))); }

const Known* find_known(std::string_view name) {
  const auto known = std::find_if(kKnown.begin(), kKnown.end(), [&](const auto& one) { return one.name == name; });
  return known == kKnown.end() ? nullptr : &*known;
}

bool is_of_checkpoints(const ports::InstanceSample& sample) {
  return !sample.values.empty() && find_known(sample.values.front().first)->of_checkpoints;
}

tl::expected<ports::InstanceSample, ApiError> sample_of(const json& item) {
  const json at = item.is_object() ? item.value("Timestamp", json()) : json();
  const json values = item.is_object() ? item.value("Values", json()) : json();
  if (!at.is_number_integer() || at.get<std::int64_t>() < 0 || at.get<std::int64_t>() > kMaxTimestampMs)
    return wrong("A sample's Timestamp must be milliseconds since 1970.");
  if (!values.is_object()) return wrong("A sample's Values must be an object.");
  ports::InstanceSample sample{at.get<std::int64_t>(), {}};
  for (const auto& [name, value] : values.items()) {
    const auto* known = find_known(name);
    if (known == nullptr) return wrong("A sample's value has a name that no instance metric has.");
    if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= known->most))
      return wrong(fmt::format("{} must be a number from 0 to {}.", name, known->most));
    if (!sample.values.empty() && find_known(sample.values.front().first)->of_checkpoints != known->of_checkpoints)
      return wrong("A sample is of an instance or of its checkpoints, not of both.");
    sample.values.emplace_back(name, value.get<double>());
  }
  return sample;
}

}  // namespace

tl::expected<std::vector<ports::InstanceSample>, ApiError> samples_of(const json& report) {
  const json list = report.value("Samples", json::array());
  if (!list.is_array() || list.size() > kMaxSamples)
    return wrong(fmt::format("Samples must be a list of at most {}.", kMaxSamples));
  std::vector<ports::InstanceSample> samples;
  for (const auto& item : list) {
    auto sample = sample_of(item);
    if (!sample) return tl::unexpected(sample.error());
    samples.push_back(std::move(*sample));
  }
  return samples;
}

Result<void> keep_samples(ports::MetricStore& metrics, const JobName& job, Fence fence,
                          const std::vector<ports::InstanceSample>& samples) {
  // The one host that a job has.
  const std::string host = job.value + "/algo-1";
  for (const auto& sample : samples) {
    std::vector<ports::Measurement> measurements;
    for (const auto& [name, value] : sample.values) {
      measurements.push_back({{ports::kTrainingJobsNamespace, name, {{"Host", host}}},
                              find_known(name)->unit,
                              from_ms(sample.timestamp_ms),
                              metrics::Bucket::of(value),
                              false});
    }
    // Each is read by a task of its own, so one kind may come later than the other, with an older time.
    const ports::PutMark mark{(is_of_checkpoints(sample) ? "checkpoints/" : "host/") + host, fence,
                              static_cast<std::uint64_t>(sample.timestamp_ms)};
    if (auto put = metrics.put(measurements, mark); !put) return put;
  }
  return {};
}

void note_checkpoints(LiveCheckpoints& checkpoints, const JobName& job, Fence fence,
                      const std::vector<ports::InstanceSample>& samples, Instant now) {
  for (const auto& sample : samples) {
    if (!is_of_checkpoints(sample)) continue;
    CheckpointSafety safety;
    safety.at = from_ms(sample.timestamp_ms);
    for (const auto& [name, value] : sample.values) {
      if (name == "CheckpointAge") safety.age_seconds = value;
      if (name == "CheckpointBytesAtRisk") safety.bytes_at_risk = static_cast<std::uint64_t>(value);
      if (name == "CheckpointUploadRate") safety.upload_bytes_per_second = value;
      if (name == "CheckpointTimeToSafe") safety.seconds_to_safe = value;
    }
    checkpoints.heard(job, fence, safety, now);
  }
}

}  // namespace holdfast::api::operations
