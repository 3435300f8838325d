// What happened, as seen from outside the engine: the record that the checkers judge. The simulation writes it while it
// runs; for a real service it is read from its database and its checkpoint ledgers (sim/read_history.hpp), which know
// less, so a checker judges only what is recorded.
//
// Every record has the true time. In the simulation the clocks of the service and of the instances may be off; then
// times inside a Decided are the service's, and ClockJumped says by how much they are off.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "job/event.hpp"
#include "job/state.hpp"

namespace holdfast::sim {

// ---- what users were told

// CreateTrainingJob was answered with success.
struct Accepted {
  JobName job;
  bool spot = false;
  Duration max_runtime{0};
  std::optional<Duration> max_wait;
  std::optional<std::string> checkpoint_uri;
  int max_retries = 0;
};
// StopTrainingJob was answered with success.
struct StopAcked {
  JobName job;
};
// DescribeTrainingJob was answered.
struct Described {
  JobName job;
  std::string status;     // TrainingJobStatus
  std::string secondary;  // SecondaryStatus
  // When the question was sent: the answer is of some moment since then. Unknown: of any moment.
  std::optional<Instant> asked = {};
};

// ---- what became durable in the database

// One committed decision about one job, the first of a job being its creation (no event).
struct Decided {
  JobName job;
  std::uint64_t version = 0;
  std::optional<job::Event> event;
  Instant decided_at;                     // by the service's clock: what decide() was given
  std::shared_ptr<const job::Job> after;  // the job as it was stored
};

// ---- what left the service, as its provider heard it; not recorded by a real service

struct LaunchAsked {
  Fence fence;
};
struct ReleaseAsked {
  Fence fence;
};
// What exists; recorded once a minute at most.
struct ListAsked {};
// The service, which was up, was told that the instance is gone.
struct GoneTold {
  Fence fence;
};

// ---- instances, as their provider knows them

// From here on it costs money.
struct LeaseBegan {
  Fence fence;
  JobName job;
  InstanceId instance;
  bool spot = false;
  MicroDollars price_per_hour = 0;
  MicroDollars on_demand_per_hour = 0;
};
struct LeaseEnded {
  Fence fence;
  JobName job;
  InstanceId instance;
  // left: its agent had said its last word and ended, unwarned.
  enum class Why { released, reclaimed, died, left } why = Why::released;
};
// The market announced the end of an instance.
struct ReclaimAnnounced {
  Fence fence;
  JobName job;
  Instant deadline;
};

// ---- the training program and what it finds and leaves

// The content of one checkpoint as its program wrote it: step 0 is none. A torn one, of files from several steps or
// with some missing, has no step.
struct Found {
  std::optional<std::uint64_t> step;
  bool torn = false;
};
struct ProgramBegan {
  JobName job;
  Fence fence;
  Found found;
};
// All files of that step were completely written to the local directory.
struct ProgramSaved {
  JobName job;
  Fence fence;
  std::uint64_t step = 0;
};
struct ProgramOver {
  JobName job;
  Fence fence;
  enum class How {
    finished,       // did all its work, exit 0
    failed,         // exit other than 0, by itself
    asked,          // ended after SIGTERM
    killed,         // by its agent, after SIGTERM and the time to obey
    with_instance,  // the instance went away under it
    orphaned,       // killed or ended for any other reason: nobody should have
  } how = How::finished;
};

// ---- checkpoints, as the object store has them

struct StoredFile {
  std::string path;
  std::uint64_t size = 0;
  std::string hash;
};
// A manifest is in the store: the generation exists. The files are those that its manifest names, and `whole` says
// whether each of their objects was in the store with that size and hash at this moment.
struct GenerationStored {
  JobName job;
  Fence fence;
  std::uint64_t sequence = 0;
  bool whole = true;
  std::optional<std::uint64_t> step;     // of the content, where it is of one step
  std::optional<GenerationId> based_on;  // its attempt, as this manifest says
};
// A fault of the store: an object that this generation needs is damaged or gone.
struct GenerationSpoilt {
  JobName job;
  Fence fence;
  std::uint64_t sequence = 0;
};
// An attempt wrote its opening: it goes on from that generation, or from nothing.
struct AttemptOpened {
  JobName job;
  Fence fence;
  std::optional<GenerationId> based_on;
  bool late = false;  // as it chose some time ago: that put was given up, and takes effect now
};
// An attempt wrote that its program starts without a generation.
struct BeganAnew {
  JobName job;
  Fence fence;
};
// A restore passed over a damaged generation, and said so.
struct Quarantined {
  JobName job;
  Fence by;
  GenerationId generation;
};
// A clean-up removed a generation, or with number 0 an opening: its manifest is gone.
struct GenerationRemoved {
  JobName job;
  Fence fence;
  std::uint64_t sequence = 0;
};
// The local directory holds this generation, or nothing of any; before the program starts.
struct Restored {
  JobName job;
  Fence fence;
  std::optional<GenerationId> generation;
};

// ---- the service and the run

struct ServiceStarted {};
struct ServiceCrashed {
  std::string where;
};
// The service's clock was set: from now on it is `offset` ahead of true time.
struct ClockJumped {
  Duration offset{0};
};
// From here on no fault is injected, and capacity is there.
struct FaultsStopped {};
// A fault that no other record shows, for the trace.
struct FaultInjected {
  std::string what;
};
// The provider does not answer the service, or is not heard by it, from here to ProviderBack: what waits for it may
// take so much longer.
struct ProviderCut {};
struct ProviderBack {};
// The same of its database: it takes nothing in, so the service can decide nothing.
struct StoreCut {};
struct StoreBack {};

using What = std::variant<Accepted, StopAcked, Described, Decided, LaunchAsked, ReleaseAsked, ListAsked, GoneTold,
                          LeaseBegan, LeaseEnded, ReclaimAnnounced, ProgramBegan, ProgramSaved, ProgramOver,
                          GenerationStored, GenerationSpoilt, AttemptOpened, BeganAnew, Quarantined, GenerationRemoved,
                          Restored, ServiceStarted, ServiceCrashed, ClockJumped, FaultsStopped, FaultInjected,
                          ProviderCut, ProviderBack, StoreCut, StoreBack>;

struct Record {
  Instant at;  // true time
  What what;
};

// What a job looked like when the run was over, read from the store anew.
struct FinalJob {
  JobName job;
  std::shared_ptr<const job::Job> stored;
  // Its log of events as it is stored: time and JSON. Unknown: not read.
  std::optional<std::vector<std::pair<Instant, std::string>>> log = {};
};

// One line for people, the same for the same record on every machine: what --trace prints, and what trace hashes cover.
std::string to_line(const Record& record);

// Takes records as they happen, in the order of time.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(Record record) = 0;
};

}  // namespace holdfast::sim
