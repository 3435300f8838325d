// What must survive. commit() is called and waited for on the engine's thread; the queries may be called from any
// thread and see only what is committed, so an answer never speaks of something that can still be lost.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "job/effect.hpp"
#include "job/event.hpp"
#include "job/state.hpp"
#include "ports/tags.hpp"

namespace holdfast::ports {

// What its user gave with a job: no decision depends on it, so it may be changed without one.
struct Origin {
  std::string request;  // the normalised request as JSON, as Describe echoes it
  Tags tags;
};

// One decision about one job.
struct Step {
  job::Job job;                     // its version says which one it follows
  std::optional<Origin> origin;     // for a new job, and only there
  std::optional<job::Event> event;  // what was decided on; none for a new job
  Instant at;
  std::vector<job::Effect> effects;
};

// Which of an attempt's two effects; with the fence it is the effect's identity.
struct EffectKey {
  Fence fence;
  std::size_t kind = 0;  // job::Effect::index()
  auto operator<=>(const EffectKey&) const = default;
};

// The origin that a job has from now on.
struct Amendment {
  JobName job;
  Origin origin;
};

struct Batch {
  std::vector<Step> steps;
  std::vector<EffectKey> done;      // effects whose outcome has arrived
  std::optional<Fence> fence_used;  // the highest fence given out so far
  Instant at = {};                  // when all this was decided
  std::vector<Amendment> amendments = {};
  std::vector<JobName> removed = {};  // ended jobs, of which nothing is to be left: their names are free
};

struct PendingEffect {
  JobName job;
  job::Effect effect;
};

struct StoredJob {
  job::Job job;
  Origin origin;
};

struct JobSummary {
  JobName name;
  std::string arn;
  Instant created;
  Instant modified;
  std::optional<Instant> ended;  // TrainingEndTime
  std::string primary;
  std::string secondary;
};

// A job as it is stored, for who looks through all of them and decodes only what is asked for.
struct StoredRow {
  JobSummary summary;
  Origin origin;
  std::string spec, job;  // see job/codec.hpp
};

enum class SortBy { name, created, status };

struct ListQuery {
  std::string name_contains;
  std::string name_prefix;
  std::string status;  // empty: any
  std::optional<Instant> created_after, created_before, modified_after, modified_before;
  SortBy sort_by = SortBy::created;
  bool ascending = false;
  std::size_t limit = 10;
  // Go on behind this job of the same query: its sort key and its name.
  std::optional<std::pair<std::string, std::string>> after;
};

struct ListResult {
  std::vector<JobSummary> jobs;
  std::optional<std::pair<std::string, std::string>> next;  // for ListQuery::after, when there is more
};

// How things stand, in numbers only.
struct Overview {
  std::map<std::string, std::uint64_t> jobs;       // by TrainingJobStatus
  std::map<std::string, std::uint64_t> live_jobs;  // by SecondaryStatus
  std::uint64_t live_interruptions = 0;            // of the live jobs
  std::uint64_t attempts = 0;                      // that capacity was ever asked for
  std::uint64_t leases = 0;                        // not gone as far as the provider has said
  // Of the attempts that train now: how many have saved, and when the one that it is longest ago for last did.
  std::uint64_t saving_attempts = 0;
  std::optional<Instant> oldest_save;
};

class JobStore {
 public:
  virtual ~JobStore() = default;

  // All of the batch or nothing, durable on return. Kind::conflict: a job is not at the version before the step's (or,
  // for a new one, its name is taken; one to be amended is not there; one to be removed has not ended). Kind::no_space,
  // Kind::try_again: the same batch may succeed later.
  virtual Result<void> commit(const Batch& batch) = 0;

  // For recovery.
  virtual Result<std::vector<job::Job>> live_jobs() = 0;
  virtual Result<std::vector<PendingEffect>> pending_effects() = 0;
  virtual Result<Fence> highest_fence() = 0;

  // Queries, from any thread. find: Kind::not_found for a name never used.
  virtual Result<StoredJob> find(const JobName& name) = 0;
  virtual Result<bool> exists(const JobName& name) = 0;
  virtual Result<ListResult> list(const ListQuery& query) = 0;
  // Up to `limit` jobs in the order of their names, from behind `after`.
  virtual Result<std::vector<StoredRow>> scan(const JobName& after, std::size_t limit) = 0;
  // The events a job has lived through, oldest first, as (time, JSON).
  virtual Result<std::vector<std::pair<Instant, std::string>>> history(const JobName& name) = 0;
  virtual Result<Overview> overview() = 0;
};

}  // namespace holdfast::ports
