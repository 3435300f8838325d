// Logs of the simulated service: kept only as far as their rules can be checked.
#pragma once

#include <map>
#include <string>

#include "ports/telemetry.hpp"

namespace holdfast::sim {

class MemoryTelemetry final : public ports::Telemetry {
 public:
  bool full = false;

  Result<void> append(const JobName& job, Fence fence, std::uint64_t sequence, const std::string&,
                      const std::vector<job::MetricDefinition>&, const std::vector<ports::LogEvent>&) override {
    if (full) return fail(Kind::no_space, "logs: the disk is full");
    auto& newest = newest_[job];
    if (fence < newest.first) return fail(Kind::conflict, "attempt {} writes the log by now", newest.first.value);
    if (fence > newest.first) newest = {fence, 0};
    if (sequence < newest.second) return {};  // heard before
    newest.second = sequence + 1;
    return {};
  }
  std::vector<ports::MetricValue> last_metrics(const JobName&) override { return {}; }
  Result<void> remove(const JobName& job) override {
    newest_.erase(job);
    return {};
  }

 private:
  std::map<JobName, std::pair<Fence, std::uint64_t>> newest_;
};

}  // namespace holdfast::sim
