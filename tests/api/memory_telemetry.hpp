// Logs in memory. A line's position is its number, so "bytes" are lines here.
#pragma once

#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "ports/telemetry.hpp"

namespace holdfast::testing {

class MemoryTelemetry final : public ports::Telemetry {
 public:
  Result<void> append(const JobName&, Fence fence, std::uint64_t sequence, const std::string& stream,
                      const std::vector<job::MetricDefinition>& metrics,
                      const std::vector<ports::LogEvent>& lines) override {
    const std::lock_guard lock(mutex_);
    if (full) return fail(Kind::no_space, "logs: the disk is full");
    if (fence < newest_fence_) return fail(Kind::conflict, "an older attempt");
    newest_fence_ = fence;
    metrics_seen = metrics.size();
    if (!batches_.insert({stream, {fence, sequence}}).second) return {};
    auto& events = streams_[stream];
    events.insert(events.end(), lines.begin(), lines.end());
    return {};
  }
  std::vector<std::string> streams(const std::string& prefix) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, events] : streams_)
      if (name.starts_with(prefix)) names.push_back(name);
    return names;
  }
  Result<ports::LogPage> read(const std::string& stream, std::uint64_t from, std::size_t limit, std::int64_t start_ms,
                              std::int64_t end_ms) override {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return fail(Kind::not_found, "no such stream");
    ports::LogPage page{{}, from, from};
    for (; page.next < found->second.size() && page.events.size() < limit; ++page.next) {
      const auto& event = found->second[page.next];
      if (event.timestamp_ms >= start_ms && event.timestamp_ms < end_ms) page.events.push_back(event);
    }
    return page;
  }
  std::vector<ports::MetricValue> last_metrics(const JobName&) override {
    return {{"loss", 0.1, 1'700'000'001'999}, {"broken", std::numeric_limits<double>::quiet_NaN(), 0}};
  }

  Result<void> remove(const JobName& job) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(streams_, [&](const auto& stream) { return stream.first.starts_with(job.value + "/"); });
    return {};
  }

  bool full = false;
  std::size_t metrics_seen = 0;

 private:
  std::mutex mutex_;
  Fence newest_fence_;
  std::map<std::string, std::vector<ports::LogEvent>> streams_;
  std::set<std::pair<std::string, std::pair<Fence, std::uint64_t>>> batches_;
};

}  // namespace holdfast::testing
