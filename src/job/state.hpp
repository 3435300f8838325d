// A training job as it is now. Only job/decide makes the next one.
//
//            Placed             InstanceUp, AgentStarted      ProgramStarted       ProgramEnded      AttemptEnded
//  Waiting ----------> Launching ----------> Downloading ----------> Training ----------> Uploading ----------> Ended
//     ^                    |                      |                     |                     |
//     +--------------------+----------------------+---------------------+---------------------+
//                    LaunchRefused, InstanceGone, AttemptEnded{reclaimed}: another attempt
//
//  A stop, MaxRuntime or MaxWait leads from every state to Stopping (while an instance has something to finish) and to
//  Ended.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "job/placement.hpp"
#include "job/spec.hpp"

namespace holdfast::job {

// SageMaker's SecondaryStatus, as far as a job of ours can show it; its TrainingJobStatus follows from it and the
// state.
enum class Secondary {
  Starting,
  Downloading,
  Training,
  Uploading,
  Interrupted,
  Stopping,
  Completed,
  Failed,
  Stopped,
  MaxRuntimeExceeded,
  MaxWaitTimeExceeded,
};
enum class Primary { InProgress, Stopping, Completed, Failed, Stopped };
const char* to_string(Secondary status);
const char* to_string(Primary status);

// One visit to a status; its message is rewritten in place while the visit lasts.
struct Transition {
  Secondary status = Secondary::Starting;
  Instant start;
  std::optional<Instant> end;
  std::string message;
};

// One incarnation of the job on capacity.
struct Attempt {
  Fence fence;
  Placement placement;
  Instant requested;                     // when capacity was asked for
  std::optional<InstanceId> instance;    // once the provider has it up
  std::optional<Instant> notice;         // the deadline, once a reclaim was announced
  std::optional<GenerationId> restored;  // what the program went on from
  std::optional<Instant> program_since;  // when the program started to run
  std::optional<Instant> saved;          // when this attempt last committed a generation
  Duration save_takes{0};                // that its program writes at a generation: see longest_of_late()
};

enum class StopReason { user, max_runtime, max_wait };

struct Waiting {
  Instant not_before;  // back-off: no capacity is asked for earlier
};
struct Launching {
  Attempt attempt;
};
struct Downloading {
  Attempt attempt;
};
struct Training {
  Attempt attempt;
};
struct Uploading {
  Attempt attempt;
};
// The program was told to end (SIGTERM, 120 s, SIGKILL), then its model is uploaded.
struct Stopping {
  Attempt attempt;
  StopReason reason = StopReason::user;
  Instant give_up;  // the instance is released then, finished or not
};
struct Ended {
  Secondary status = Secondary::Completed;
  std::string failure_reason;  // exactly when Failed
};

using State = std::variant<Waiting, Launching, Downloading, Training, Uploading, Stopping, Ended>;

// Where the time went, in milliseconds, `billable` is milliseconds times price ratio in millionths.
struct Accounts {
  std::int64_t waiting_ms = 0;    // no instance: Starting before a placement, Interrupted
  std::int64_t starting_ms = 0;   // an instance was asked for but does nothing for the user yet
  std::int64_t restoring_ms = 0;  // Downloading: input and checkpoint
  std::int64_t training_ms = 0;   // Training, `lost_ms` included
  std::int64_t lost_ms = 0;       // of training_ms: since the last committed checkpoint when the instance was lost
  std::int64_t saving_ms = 0;     // Uploading
  std::int64_t stopping_ms = 0;
  std::int64_t billable_millionths = 0;
  MicroDollars cost = 0;  // what the instance time cost at the price paid

  // What SageMaker calls training time: Downloading + Training + Uploading.
  std::int64_t on_instance_ms() const { return restoring_ms + training_ms + saving_ms; }
};

struct Job {
  std::shared_ptr<const JobSpec> spec;  // shared: it never changes, and every version of the job has the same one
  Instant created;
  std::uint64_t version = 0;  // counts decisions; the store refuses to write over a newer one
  State state;
  std::vector<Transition> transitions;  // never empty; the last one is where the job is
  Accounts accounts;
  Instant booked_until;  // the accounts hold the time up to here
  int attempts = 0;
  int interruptions = 0;
  int retries = 0;            // used of RetryStrategy.MaximumRetryAttempts
  int failures_in_a_row = 0;  // launches refused and instances that died, since a program last ran: for the back-off
  std::optional<Instant> first_started;  // TrainingStartTime
  std::optional<GenerationId> last_generation;
};

constexpr std::size_t kMaxTransitionsKept = 500;

// The attempt that may speak for the job now, or null.
const Attempt* current_attempt(const Job& job);
Secondary secondary_status(const Job& job);
Primary primary_status(const Job& job);
bool is_ended(const Job& job);
const char* state_name(const State& state);

}  // namespace holdfast::job
