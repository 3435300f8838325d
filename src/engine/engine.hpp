// Turns what happens into durable facts and effects: one thread, one event at a time, commit before send.
//
//   inbox -> job::decide -> store.commit (a batch, one fsync) -> replies, capacity provider, waiting agents
//
// The only state here that is not in the store is what can be asked for again: who is connected, how long an agent has
// been silent. So a crash at any point loses nothing, and recover() brings back the rest.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/inbox.hpp"
#include "engine/order_desk.hpp"
#include "job/decide.hpp"
#include "ports/capacity_provider.hpp"
#include "ports/job_store.hpp"

namespace holdfast::engine {

constexpr std::size_t kMaxBatch = 1024;  // decisions in one transaction
constexpr std::size_t kMaxPlacementsPerRound = 256;
constexpr Duration kReconcileEvery = seconds{10};
constexpr Duration kEffectRetryEvery = seconds{30};  // an effect without an outcome is carried out again
constexpr Duration kStoreRetryAfter = seconds{1};
// An agent that says nothing for so long is taken for lost. Measured in ticks that we lived through ourselves, so that
// a suspended laptop or a clock set forward ends no training.
constexpr Duration kAgentSilence = minutes{5};
// An instance that its provider does not show, though it said nothing of its end, is taken for gone after so long:
// providers forget for a while. An agent that still speaks proves nothing, it may be a zombie that nobody bills.
constexpr Duration kMissingFor = seconds{90};
// After a start the agents that were there before get so long to say what they did while nobody listened, before a
// limit of time ends their attempt.
constexpr Duration kHearAgentsFor = seconds{30};
constexpr Duration kMaxOrderWait = seconds{25};  // a long poll is answered after this, with whatever holds then

struct NewJob {
  std::shared_ptr<const job::JobSpec> spec;
  ports::Origin origin;
  // The newest that the ledger of its checkpoints knows, from another service perhaps: its attempts come after that.
  Fence newest_in_ledger = {};
};

// What became of an event that was handed in.
struct Receipt {
  bool live = true;      // false: no such job, or it has ended; the store knows which
  bool applied = false;  // false: decide() had heard it before, or it came too late
};

// Called once, on the engine's thread, after the commit: keep it short. Kind::conflict: the name is taken;
// Kind::invalid: a live job keeps its checkpoints where this one would.
using CreateReply = std::function<void(Result<void>)>;
using DoneReply = std::function<void(Result<void>)>;
using EventsReply = std::function<void(Result<Receipt>)>;
using OrderReply = std::function<void(Order)>;
// What a job's origin is to be, from the job as committed; or why it must stay as it is.
using Change = std::function<Result<ports::Origin>(const ports::StoredJob&)>;
// The text of a launch's assignment.json; it holds the attempt's token.
using AssignmentMaker = std::function<std::string(const job::JobSpec&, Instant created, Fence)>;

class Engine {
 public:
  Engine(Clock& clock, ports::JobStore& store, ports::CapacityProvider& capacity, AssignmentMaker make_assignment);

  // ---- from any thread
  void create(NewJob job, CreateReply reply);
  // Decides on the events in order, all in one batch.
  void submit(JobName job, std::vector<job::Event> events, EventsReply reply);
  // Changes what the user gave with a job: its tags, or members of its request that no decision reads. The error is
  // the change's own, or Kind::not_found.
  void amend(JobName job, Change change, DoneReply reply);
  // Removes an ended job and all that is kept of its life; its fences stay used. Kind::not_found; Kind::conflict: it
  // has not ended, or its instance may still be there.
  void remove(JobName job, DoneReply reply);
  // Answers as soon as the order differs from `known`, or after kMaxOrderWait. Asking is the agent's sign of life.
  void wait_for_order(JobName job, Fence fence, Order known, OrderReply reply);
  // Rehearses an interruption of the job's instance. Kind::not_found: the job has no instance now.
  void interrupt(JobName job, Duration notice, EventsReply reply);
  // Give this to CapacityProvider::on_event.
  void on_capacity_event(ports::CapacityEvent event);
  Inbox<std::function<void()>>& door() { return inbox_; }

  // ---- on the engine's thread
  // Reads live jobs and pending effects from the store, asks the provider what exists. Once, before anything else.
  Result<void> recover();
  // Does all there is to do now.
  void run_until_idle();
  // When there will be something to do even if nobody asks.
  Instant next_wakeup() const;
  std::size_t live_jobs() const { return jobs_.size(); }

 private:
  const job::Job* find(const JobName& name) const;  // as decided so far, committed or not
  Result<void> has_its_place_alone(const job::JobSpec& spec) const;
  void decide_on(const JobName& name, const job::Event& event, Receipt& receipt);
  void stage(job::Job job, std::optional<ports::Origin> origin, std::optional<job::Event> event,
             std::vector<job::Effect> effects);
  bool is_in_batch(const JobName& name) const;
  bool commit();
  void publish();
  void forget_staged();

  void handle(const ports::CapacityEvent& event);
  void settle(Fence fence, std::size_t kind);
  void take_clock_back();
  void arm_timer(const JobName& name, const job::Job& job);
  void fire_timers();
  void place_waiting();
  void carry_out(const JobName& name, const job::Effect& effect);
  void carry_out_again();
  void answer_agents();
  void answer_agent(Fence fence);
  void reconcile(Duration lived);
  void watch_silence(Duration lived);

  Clock& clock_;
  ports::JobStore& store_;
  ports::CapacityProvider& capacity_;
  AssignmentMaker make_assignment_;
  Inbox<std::function<void()>> inbox_;

  Instant now_;                       // of the batch in hand
  std::map<JobName, job::Job> jobs_;  // live ones, as committed
  std::set<std::pair<Instant, JobName>> timers_;
  std::map<JobName, Instant> armed_;               // where each job stands in timers_
  std::set<std::pair<Instant, JobName>> waiting_;  // by creation: oldest first
  std::map<ports::EffectKey, ports::PendingEffect> effects_;
  OrderDesk agents_;
  std::set<JobName> changed_;              // since the agents were last answered
  std::map<Fence, Duration> silent_for_;   // attempts whose agent waits for no order now
  std::map<Fence, Duration> missing_for_;  // attempts whose instance the provider does not show
  Fence highest_fence_;
  Instant agents_heard_at_;     // who was there before our start has had the time to say so
  Fence highest_before_start_;  // of the attempts that were there
  Instant next_reconcile_, next_effect_retry_, last_tick_;

  // ---- the batch in hand: decided, not committed
  std::map<JobName, job::Job> staged_;
  ports::Batch batch_;
  std::vector<std::function<void(Result<void>)>> after_commit_;
  std::optional<Instant> store_retry_at_;
};

}  // namespace holdfast::engine
