// How safe the checkpoints of running jobs are, as their agents last said: for DescribeTrainingRun and GET /metrics.
// Nothing of it is kept over a restart: agents say it anew each minute. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace holdfast::api {

struct CheckpointSafety {
  Instant at;              // by the agent's clock
  double age_seconds = 0;  // of the last generation; before the first one, of the program
  std::uint64_t bytes_at_risk = 0;
  std::optional<double> upload_bytes_per_second;
  std::optional<double> seconds_to_safe;
};

class LiveCheckpoints {
 public:
  // Older ones say nothing any more: an agent speaks each minute.
  static constexpr Duration kFreshFor = minutes{3};
  static constexpr std::size_t kMost = 20'000;

  // An older attempt than the one heard of last is not listened to. `now`: the service's clock.
  void heard(const JobName& job, Fence fence, const CheckpointSafety& safety, Instant now);
  // Of that attempt; nothing where it has said nothing lately.
  std::optional<CheckpointSafety> of(const JobName& job, Fence fence, Instant now) const;

  struct Totals {
    std::size_t jobs = 0;
    std::uint64_t bytes_at_risk = 0;
    double upload_bytes_per_second = 0;
    double seconds_to_safe_most = 0;
  };
  Totals totals(Instant now) const;

 private:
  struct Heard {
    Fence fence;
    CheckpointSafety safety;
    Instant at;
  };
  static bool fresh(const Heard& heard, Instant now);

  mutable std::mutex mutex_;
  std::map<JobName, Heard> jobs_;
};

}  // namespace holdfast::api
