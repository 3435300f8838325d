#include "api/operations/agent_samples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 5> kInstanceMetrics = {"CPUUtilization", "MemoryUtilization", "DiskUtilization",
                                                              "GPUUtilization", "GPUMemoryUtilization"};
constexpr std::size_t kMaxSamples = 1000;
constexpr double kMaxPercent = 1e6;                            // 10,000 processors
constexpr std::int64_t kMaxTimestampMs = 100'000'000'000'000;  // the year 5138

tl::unexpected<ApiError> wrong(std::string message) { return tl::unexpected(validation(std::move(message))); }

tl::expected<ports::InstanceSample, ApiError> sample_of(const json& item) {
  const json at = item.is_object() ? item.value("Timestamp", json()) : json();
  const json values = item.is_object() ? item.value("Values", json()) : json();
  if (!at.is_number_integer() || at.get<std::int64_t>() < 0 || at.get<std::int64_t>() > kMaxTimestampMs)
    return wrong("A sample's Timestamp must be milliseconds since 1970.");
  if (!values.is_object()) return wrong("A sample's Values must be an object.");
  ports::InstanceSample sample{at.get<std::int64_t>(), {}};
  for (const auto& [name, value] : values.items()) {
    if (std::find(kInstanceMetrics.begin(), kInstanceMetrics.end(), name) == kInstanceMetrics.end())
      return wrong("A sample's value has a name that no instance metric has.");
    if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > kMaxPercent)
      return wrong(fmt::format("{} must be a number from 0 to {}.", name, kMaxPercent));
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
                              "Percent",
                              from_ms(sample.timestamp_ms),
                              metrics::Bucket::of(value),
                              false});
    }
    const ports::PutMark mark{"host/" + host, fence, static_cast<std::uint64_t>(sample.timestamp_ms)};
    if (auto put = metrics.put(measurements, mark); !put) return put;
  }
  return {};
}

}  // namespace holdfast::api::operations
