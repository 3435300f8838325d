// The trainings' telemetry: their lines go to real logs, and metrics are two that no program ever printed.
#pragma once

#include <limits>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "ports/telemetry.hpp"
#include "telemetry/file_logs.hpp"

namespace holdfast::testing {

class MemoryTelemetry final : public ports::Telemetry {
 public:
  explicit MemoryTelemetry(telemetry::FileLogs& logs) : logs_(logs) {}
  Result<void> append(const JobName&, Fence fence, std::uint64_t sequence, const std::string& stream,
                      const std::vector<job::MetricDefinition>& metrics,
                      const std::vector<ports::LogEvent>& lines) override {
    const std::lock_guard lock(mutex_);
    if (full) return fail(Kind::no_space, "logs: the disk is full");
    if (fence < newest_fence_) return fail(Kind::conflict, "an older attempt");
    newest_fence_ = fence;
    metrics_seen = metrics.size();
    if (!batches_.insert({stream, {fence, sequence}}).second) return {};
    return logs_.append(stream, {fence, sequence}, lines);
  }
  std::vector<ports::MetricValue> last_metrics(const JobName&) override {
    return {{"loss", 0.1, 1'700'000'001'999}, {"broken", std::numeric_limits<double>::quiet_NaN(), 0}};
  }

  Result<void> remove(const JobName& job) override {
    const std::lock_guard lock(mutex_);
    const std::string group(ports::kTrainingLogGroup);
    for (const auto& stream : logs_.stream_names(group, job.value + "/").value_or(std::vector<std::string>{}))
      if (auto removed = logs_.delete_stream(group, stream); !removed) return removed;
    return {};
  }

  bool full = false;
  std::size_t metrics_seen = 0;

 private:
  telemetry::FileLogs& logs_;
  std::mutex mutex_;
  Fence newest_fence_;
  std::set<std::pair<std::string, std::pair<Fence, std::uint64_t>>> batches_;
};

}  // namespace holdfast::testing
