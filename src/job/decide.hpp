// THE one place where a job changes state. Pure: the same job, event and time always give the same decision.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "job/effect.hpp"
#include "job/event.hpp"
#include "job/state.hpp"

namespace holdfast::job {

struct Decision {
  Job job;
  std::vector<Effect> effects;
};
// A normal answer to an event that says nothing new: it came twice, late, or from an older attempt.
struct Ignored {
  std::string why;
};

// A launch that has brought no agent by then is given up and tried again.
constexpr Duration kLaunchTimeout = minutes{10};
// SIGTERM to SIGKILL, as SageMaker gives it.
constexpr Duration kStopGrace = seconds{120};
// A program that takes longer than that to save is asked before a wall, so that it has saved when the grace after the
// wall is over: by as much as its longest save of late, and a quarter more, exceeds the grace. At most this, and at
// most a quarter of MaxRuntime: a program that does not listen loses that time.
constexpr Duration kMostEarly = minutes{30};
constexpr int kMostEarlyOfMaxRuntime = 4;
// After the grace: for the last checkpoint and the model's upload. SageMaker allows two days for uploading at most.
constexpr Duration kStopUploadLimit = hours{2};
// How long after its announced deadline an instance may stay silent before we take it for gone.
constexpr Duration kReclaimSlack = seconds{60};
constexpr Duration kBackoffFirst = seconds{1};
constexpr Duration kBackoffMost = minutes{5};
constexpr std::size_t kMaxFailureReason = 1024;

Decision create(std::shared_ptr<const JobSpec> spec, Instant now);
tl::expected<Decision, Ignored> decide(const Job& job, const Event& event, Instant now);

// When TimeReached is due; nothing for a job that waits for no time.
std::optional<Instant> next_wakeup(const Job& job);

}  // namespace holdfast::job
