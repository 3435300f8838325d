#include "engine/engine.hpp"

#include <algorithm>

#include "base/ensure.hpp"
#include "base/log.hpp"
#include "base/overload.hpp"
#include "job/invariants.hpp"
#include "market/choose.hpp"

namespace holdfast::engine {

namespace {

Fence fence_of(const job::Effect& effect) {
  return std::visit([](const auto& what) { return what.fence; }, effect);
}
ports::EffectKey key_of(const job::Effect& effect) { return {fence_of(effect), effect.index()}; }

// The kinds' numbers, by name.
const std::size_t kLaunch = job::Effect{job::LaunchInstance{}}.index();
const std::size_t kRelease = job::Effect{job::ReleaseInstance{}}.index();

}  // namespace

Engine::Engine(Clock& clock, ports::JobStore& store, ports::CapacityProvider& capacity, AssignmentMaker make_assignment)
    : clock_(clock), store_(store), capacity_(capacity), make_assignment_(std::move(make_assignment)) {}

// ---- from any thread: everything becomes an item of the inbox
// ---------------------------------------------------------

namespace {

std::string_view checkpoint_place_of(const job::JobSpec& spec) {
  std::string_view place = spec.checkpoint ? std::string_view(spec.checkpoint->s3_uri) : std::string_view();
  while (place.ends_with('/')) place.remove_suffix(1);
  return place;
}

}  // namespace

// Two jobs would take the place from each other, attempt by attempt: each is fenced off by the other's next one.
Result<void> Engine::has_its_place_alone(const job::JobSpec& spec) const {
  const auto place = checkpoint_place_of(spec);
  if (place.empty()) return {};
  for (const auto* jobs : {&staged_, &jobs_}) {
    for (const auto& [name, other] : *jobs) {
      if (checkpoint_place_of(*other.spec) != place || !find(name)) continue;
      return fail(
          Kind::invalid,
          "The training job '{}', which is not over, keeps its checkpoints at {}: two jobs would take that place "
          "from each other. Give this one an S3Uri of its own, or stop the other job first.",
          name.value, place);
    }
  }
  return {};
}

void Engine::create(NewJob job, CreateReply reply) {
  if (inbox_.full()) return reply(fail(Kind::try_again, "{} requests are waiting already", kMaxInbox));
  inbox_.put([this, job = std::move(job), reply = std::move(reply)] {
    const JobName& name = job.spec->name;
    const auto taken = find(name) ? Result<bool>(true) : store_.exists(name);
    if (!taken) return reply(fail(taken.error()));
    if (*taken) {
      // After the commit: what took the name may be in this very batch.
      after_commit_.push_back([reply, name](const Result<void>& committed) {
        if (!committed) return reply(fail(committed.error()));
        reply(fail(Kind::conflict, "a training job called '{}' exists already", name.value));
      });
      return;
    }
    if (const auto alone = has_its_place_alone(*job.spec); !alone) {
      after_commit_.push_back(
          [reply, alone](const Result<void>& committed) { reply(committed ? alone : fail(committed.error())); });
      return;
    }
    if (job.newest_in_ledger > highest_fence_) {
      highest_fence_ = job.newest_in_ledger;
      batch_.fence_used = highest_fence_;
    }
    auto decision = job::create(job.spec, now_);
    stage(std::move(decision.job), job.origin, std::nullopt, std::move(decision.effects));
    after_commit_.push_back(reply);
  });
}

void Engine::submit(JobName name, std::vector<job::Event> events, EventsReply reply) {
  if (inbox_.full()) return reply(fail(Kind::try_again, "{} requests are waiting already", kMaxInbox));
  inbox_.put([this, name = std::move(name), events = std::move(events), reply = std::move(reply)] {
    Receipt receipt;
    receipt.live = find(name) != nullptr;
    for (const auto& event : events) decide_on(name, event, receipt);
    // After the commit even when nothing was new: what made it old may be in this very batch.
    after_commit_.push_back([reply, receipt](const Result<void>& committed) {
      reply(committed ? Result<Receipt>(receipt) : Result<Receipt>(fail(committed.error())));
    });
  });
}

void Engine::amend(JobName name, Change change, DoneReply reply) {
  if (inbox_.full()) return reply(fail(Kind::try_again, "{} requests are waiting already", kMaxInbox));
  inbox_.put([this, name = std::move(name), change = std::move(change), reply = std::move(reply)] {
    // What the batch in hand says of the job is not in the store yet: next time.
    if (is_in_batch(name)) return amend(name, change, reply);
    const auto stored = store_.find(name);
    if (!stored) return reply(fail(stored.error()));
    auto origin = change(*stored);
    if (!origin) return reply(fail(origin.error()));
    batch_.amendments.push_back({name, std::move(*origin)});
    after_commit_.push_back(reply);
  });
}

void Engine::remove(JobName name, DoneReply reply) {
  if (inbox_.full()) return reply(fail(Kind::try_again, "{} requests are waiting already", kMaxInbox));
  inbox_.put([this, name = std::move(name), reply = std::move(reply)] {
    if (is_in_batch(name)) return remove(name, reply);
    if (jobs_.contains(name)) return reply(fail(Kind::conflict, "the training job has not ended yet"));
    // Afterwards nobody would know whose instance it is.
    const bool unsettled =
        std::any_of(effects_.begin(), effects_.end(), [&](const auto& effect) { return effect.second.job == name; });
    if (unsettled) return reply(fail(Kind::conflict, "the instance of the training job is still being released"));
    const auto there = store_.exists(name);
    if (!there) return reply(fail(there.error()));
    if (!*there) return reply(fail(Kind::not_found, "no training job is called '{}'", name.value));
    log_info("{}: removed", name.value);
    batch_.removed.push_back(name);
    after_commit_.push_back(reply);
  });
}

void Engine::wait_for_order(JobName name, Fence fence, Order known, OrderReply reply) {
  inbox_.put([this, name = std::move(name), fence, known, reply = std::move(reply)]() mutable {
    silent_for_.erase(fence);
    const auto found = jobs_.find(name);
    // A name that is not live has ended, or we have never heard of it: the store knows.
    const bool ended = found == jobs_.end() && store_.exists(name).value_or(false);
    const Order order =
        ended ? Order::abandon : order_for(found == jobs_.end() ? nullptr : &found->second, fence, highest_fence_);
    if (order != known) return reply(order);
    // A second wait of the same agent takes the place of the first, whose connection is gone.
    if (const auto before = agents_.take(fence)) before->reply(order);
    agents_.add(fence,
                WaitingAgent{std::move(name), found != jobs_.end(), known, now_ + kMaxOrderWait, std::move(reply)});
  });
}

void Engine::interrupt(JobName name, Duration notice, EventsReply reply) {
  inbox_.put([this, name = std::move(name), notice, reply = std::move(reply)] {
    const job::Job* job = find(name);
    const job::Attempt* attempt = job ? job::current_attempt(*job) : nullptr;
    if (!attempt)
      return reply(fail(Kind::not_found, "job '{}' has no instance that could be taken away now", name.value));
    if (auto done = capacity_.interrupt(attempt->fence, notice); !done) return reply(fail(done.error()));
    reply(Receipt{true, true});
  });
}

void Engine::on_capacity_event(ports::CapacityEvent event) {
  inbox_.put([this, event = std::move(event)] {
    handle(event);
    // Providers say each thing once; if it could not be kept it must be heard again.
    after_commit_.push_back([this, event](const Result<void>& committed) {
      if (!committed) on_capacity_event(event);
    });
  });
}

// ---- one round
// ----------------------------------------------------------------------------------------------------------

Result<void> Engine::recover() {
  now_ = clock_.now();
  auto jobs = store_.live_jobs();
  if (!jobs) return fail(jobs.error());
  auto effects = store_.pending_effects();
  if (!effects) return fail(effects.error());
  auto fence = store_.highest_fence();
  if (!fence) return fail(fence.error());
  highest_fence_ = *fence;
  highest_before_start_ = *fence;
  agents_heard_at_ = now_ + kHearAgentsFor;
  for (auto& job : *jobs) {
    const JobName name = job.spec->name;
    staged_.insert_or_assign(name, std::move(job));
  }
  for (auto& pending : *effects) effects_.insert_or_assign(key_of(pending.effect), pending);
  publish();
  next_reconcile_ = now_;
  last_tick_ = now_;
  next_effect_retry_ = now_;  // whatever was under way when we went down is done again, now
  log_info("recovered {} live jobs, {} effects under way, fence {}", jobs_.size(), effects_.size(),
           highest_fence_.value);
  return {};
}

void Engine::run_until_idle() {
  for (;;) {
    now_ = clock_.now();
    if (now_ < last_tick_) take_clock_back();
    if (store_retry_at_ && now_ < *store_retry_at_) return;
    store_retry_at_.reset();
    const auto items = inbox_.take(kMaxBatch);
    for (const auto& item : items) item();
    fire_timers();
    if (now_ >= next_reconcile_) {
      const Duration lived = std::clamp<Duration>(now_ - last_tick_, Duration{0}, 2 * kReconcileEvery);
      last_tick_ = now_;
      next_reconcile_ = now_ + kReconcileEvery;
      watch_silence(lived);
      reconcile(lived);
    }
    place_waiting();
    const bool decided = !staged_.empty();
    if (!commit()) return;
    if (now_ >= next_effect_retry_) carry_out_again();
    answer_agents();
    // What was decided may let more be placed, and what was answered may have been asked again at once.
    if (!decided && inbox_.empty()) return;
  }
}

// What is due after a while is due now rather than when the clock has caught up. Limits of jobs stay where they are.
void Engine::take_clock_back() {
  last_tick_ = next_reconcile_ = next_effect_retry_ = now_;
  store_retry_at_.reset();
  agents_heard_at_ = std::min(agents_heard_at_, now_ + kHearAgentsFor);
  for (const auto& [name, job] : jobs_) arm_timer(name, job);
}

Instant Engine::next_wakeup() const {
  if (store_retry_at_) return *store_retry_at_;
  Instant next = std::min(next_reconcile_, next_effect_retry_);
  if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
  if (const auto due = agents_.next_due()) next = std::min(next, *due);
  return next;
}

const job::Job* Engine::find(const JobName& name) const {
  if (const auto staged = staged_.find(name); staged != staged_.end()) {
    return job::is_ended(staged->second) ? nullptr : &staged->second;
  }
  const auto live = jobs_.find(name);
  return live == jobs_.end() ? nullptr : &live->second;
}

void Engine::decide_on(const JobName& name, const job::Event& event, Receipt& receipt) {
  const job::Job* job = find(name);
  if (!job) return;
  auto decision = job::decide(*job, event, now_);
  if (!decision) {
    log_debug("{}: {} ignored: {}", name.value, event_name(event), decision.error().why);
    return;
  }
  receipt.applied = true;
  stage(std::move(decision->job), std::nullopt, event, std::move(decision->effects));
}

void Engine::stage(job::Job job, std::optional<ports::Origin> origin, std::optional<job::Event> event,
                   std::vector<job::Effect> effects) {
  const auto broken = job::broken_invariants(job);
  ENSURE(broken.empty(), "{} (after {})", broken.front(), event ? event_name(*event) : "create");
  log_info("{}: {} -> {} ({})", job.spec->name.value, event ? event_name(*event) : "created", state_name(job.state),
           to_string(secondary_status(job)));
  batch_.steps.push_back({job, std::move(origin), std::move(event), now_, std::move(effects)});
  const JobName name = job.spec->name;
  staged_.insert_or_assign(name, std::move(job));
}

bool Engine::is_in_batch(const JobName& name) const {
  const auto is_amended = [&](const ports::Amendment& amendment) { return amendment.job == name; };
  return staged_.contains(name) || std::any_of(batch_.amendments.begin(), batch_.amendments.end(), is_amended) ||
         std::find(batch_.removed.begin(), batch_.removed.end(), name) != batch_.removed.end();
}

// Nothing has left the process before this returns true: no reply, no launch, no order.
bool Engine::commit() {
  Result<void> committed;
  batch_.at = now_;
  const bool anything = !batch_.steps.empty() || !batch_.amendments.empty() || !batch_.removed.empty() ||
                        !batch_.done.empty() || batch_.fence_used;
  if (anything) committed = store_.commit(batch_);
  auto replies = std::exchange(after_commit_, {});
  if (committed) {
    publish();
  } else {
    log_error("{}; trying again in {} s", committed.error().message, kStoreRetryAfter.count() / 1000);
    forget_staged();
    store_retry_at_ = now_ + kStoreRetryAfter;
  }
  for (const auto& reply : replies) reply(committed);
  return committed.has_value();
}

void Engine::publish() {
  for (auto& [name, job] : staged_) {
    changed_.insert(name);
    waiting_.erase({job.created, name});
    if (std::holds_alternative<job::Waiting>(job.state)) waiting_.insert({job.created, name});
    arm_timer(name, job);
    if (job::is_ended(job)) {
      jobs_.erase(name);
    } else {
      jobs_.insert_or_assign(name, std::move(job));
    }
  }
  staged_.clear();
  const ports::Batch batch = std::exchange(batch_, {});
  for (const auto& key : batch.done) effects_.erase(key);
  for (const auto& step : batch.steps) {
    for (const auto& effect : step.effects) {
      effects_.insert_or_assign(key_of(effect), ports::PendingEffect{step.job.spec->name, effect});
      carry_out(step.job.spec->name, effect);
    }
  }
}

void Engine::forget_staged() {
  for (const auto& [name, job] : staged_) {
    if (const auto live = jobs_.find(name); live != jobs_.end()) arm_timer(name, live->second);
  }
  staged_.clear();
  batch_ = {};
}

// ---- time
// -----------------------------------------------------------------------------------------------------------------

void Engine::arm_timer(const JobName& name, const job::Job& job) {
  if (const auto armed = armed_.find(name); armed != armed_.end()) {
    timers_.erase({armed->second, name});
    armed_.erase(armed);
  }
  auto at = job::next_wakeup(job);
  const auto* waiting = std::get_if<job::Waiting>(&job.state);
  // The end of a back-off changes nothing by itself, but the job may be placed again.
  if (waiting && waiting->not_before > now_ && (!at || waiting->not_before < *at)) at = waiting->not_before;
  if (!at) return;
  // Its program may run, or have ended in time: the agent is about to tell us. A first word from it is no reason to
  // wait no longer, because the rest of what it has to say may be in its next report.
  const job::Attempt* attempt = job::current_attempt(job);
  if (attempt && attempt->fence <= highest_before_start_) at = std::max(*at, agents_heard_at_);
  timers_.insert({*at, name});
  armed_[name] = *at;
}

void Engine::fire_timers() {
  std::size_t fired = 0;
  while (!timers_.empty() && timers_.begin()->first <= now_ && fired++ < kMaxBatch) {
    const JobName name = timers_.begin()->second;
    timers_.erase(timers_.begin());
    armed_.erase(name);
    Receipt receipt;
    decide_on(name, job::TimeReached{}, receipt);
    // Decided on in this batch, now or by what came before: armed again when that is committed, or given up.
    if (staged_.contains(name)) continue;
    if (const auto live = jobs_.find(name); live != jobs_.end()) {
      const auto next = job::next_wakeup(live->second);
      ENSURE(!next || *next > now_, "{}: a limit that is reached must change something", name.value);
      arm_timer(name, live->second);
    }
  }
}

void Engine::watch_silence(Duration lived) {
  std::map<Fence, Duration> silent;
  for (const auto& [name, job] : jobs_) {
    const job::Attempt* attempt = job::current_attempt(job);
    if (!attempt || std::holds_alternative<job::Launching>(job.state)) continue;
    if (agents_.waits(attempt->fence)) continue;
    const Duration for_long = silent_for_[attempt->fence] + lived;
    silent[attempt->fence] = for_long;
    if (for_long < kAgentSilence) continue;
    Receipt receipt;
    decide_on(name, job::InstanceGone{attempt->fence, false, "its agent has fallen silent"}, receipt);
  }
  silent_for_ = std::move(silent);
}

// ---- capacity
// -------------------------------------------------------------------------------------------------------------

void Engine::settle(Fence fence, std::size_t kind) {
  const ports::EffectKey key{fence, kind};
  if (effects_.contains(key)) batch_.done.push_back(key);
}

void Engine::handle(const ports::CapacityEvent& event) {
  Receipt receipt;
  std::visit(Overload{[&](const ports::InstanceUp& up) {
                        settle(up.fence, kLaunch);
                        // Only what is committed may have an effect now.
                        if (!jobs_.contains(up.job) && !staged_.contains(up.job)) return capacity_.release(up.fence);
                        decide_on(up.job, job::InstanceUp{up.fence, up.instance}, receipt);
                      },
                      [&](const ports::LaunchRefused& refused) {
                        settle(refused.fence, kLaunch);
                        decide_on(refused.job, job::LaunchRefused{refused.fence, refused.why}, receipt);
                      },
                      [&](const ports::ReclaimNotice& notice) {
                        decide_on(notice.job, job::NoticeReceived{notice.fence, notice.deadline}, receipt);
                      },
                      [&](const ports::InstanceGone& gone) {
                        settle(gone.fence, kLaunch);
                        settle(gone.fence, kRelease);
                        decide_on(gone.job, job::InstanceGone{gone.fence, gone.reclaimed, gone.why}, receipt);
                      },
                      [](const ports::CapacityChanged&) {}},
             event);
}

void Engine::place_waiting() {
  if (waiting_.empty()) return;
  auto offers = capacity_.offers(now_);
  std::erase_if(offers, [](const auto& offer) { return offer.free_slots <= 0; });
  if (offers.empty()) return;
  std::vector<market::WaitingJob> candidates;
  for (const auto& [created, name] : waiting_) {
    const job::Job* job = find(name);
    const auto* waiting = job ? std::get_if<job::Waiting>(&job->state) : nullptr;
    if (!waiting || waiting->not_before > now_) continue;
    candidates.push_back({name, job->spec->instance_type, job->spec->spot, created});
    if (candidates.size() == kMaxPlacementsPerRound) break;
  }
  for (auto& [name, placement] : market::choose(candidates, offers)) {
    highest_fence_.value += 1;
    batch_.fence_used = highest_fence_;
    Receipt receipt;
    decide_on(name, job::Placed{highest_fence_, std::move(placement)}, receipt);
  }
}

void Engine::carry_out(const JobName& name, const job::Effect& effect) {
  std::visit(Overload{[&](const job::LaunchInstance& launch) {
                        const auto live = jobs_.find(name);
                        const job::Attempt* attempt =
                            live == jobs_.end() ? nullptr : job::current_attempt(live->second);
                        // Decided otherwise meanwhile; its release is an effect of its own.
                        if (!attempt || attempt->fence != launch.fence) return;
                        capacity_.launch({launch.fence, name, launch.placement,
                                          make_assignment_(*live->second.spec, live->second.created, launch.fence)});
                      },
                      [&](const job::ReleaseInstance& release) { capacity_.release(release.fence); }},
             effect);
}

void Engine::carry_out_again() {
  next_effect_retry_ = now_ + kEffectRetryEvery;
  for (const auto& [key, pending] : effects_) carry_out(pending.job, pending.effect);
}

// What events missed: instances that no job wants any more, and jobs whose instance is not there any more.
void Engine::reconcile(Duration lived) {
  const auto leases = capacity_.list();
  if (!leases) return log_warn("asking the provider what exists: {}", leases.error().message);
  std::vector<Fence> exist;
  exist.reserve(leases->size());
  for (const auto& lease : *leases) {
    exist.push_back(lease.fence);
    // As committed: what this batch has decided may still be refused by the store, and brings its own release if not.
    const auto job = jobs_.find(lease.job);
    const job::Attempt* attempt = job == jobs_.end() ? nullptr : job::current_attempt(job->second);
    if (attempt && attempt->fence == lease.fence) continue;
    if (lease.fence > highest_fence_) {
      log_warn("instance {} of job {} is newer than this database: left alone", lease.instance.value, lease.job.value);
      continue;
    }
    capacity_.release(lease.fence);
  }
  std::ranges::sort(exist);
  std::map<Fence, Duration> missing_for;
  for (const auto& [name, job] : jobs_) {
    const job::Attempt* attempt = job::current_attempt(job);
    if (!attempt || std::ranges::binary_search(exist, attempt->fence) || effects_.contains({attempt->fence, kLaunch}))
      continue;
    const auto before = missing_for_.find(attempt->fence);
    const Duration for_long = before == missing_for_.end() ? Duration{0} : before->second + lived;
    missing_for[attempt->fence] = for_long;
    if (for_long < kMissingFor) continue;
    Receipt receipt;
    decide_on(name, job::InstanceGone{attempt->fence, false, "its instance does not exist any more"}, receipt);
  }
  missing_for_ = std::move(missing_for);
}

// ---- agents
// ---------------------------------------------------------------------------------------------------------------

void Engine::answer_agents() {
  for (const auto& name : std::exchange(changed_, {})) {
    for (const Fence fence : agents_.of(name)) answer_agent(fence);
  }
  for (const Fence fence : agents_.due(now_)) answer_agent(fence);
}

void Engine::answer_agent(Fence fence) {
  const WaitingAgent& waiting = *agents_.find(fence);
  const auto job = jobs_.find(waiting.job);
  Order order = job == jobs_.end() ? Order::abandon : order_for(&job->second, fence, highest_fence_);
  // A job that was not live when the agent asked is none that we have ever heard of: it is still answered with go_on.
  if (job == jobs_.end() && !waiting.was_live) order = Order::go_on;
  if (order == waiting.known && now_ < waiting.until) return;
  agents_.take(fence)->reply(order);
}

}  // namespace holdfast::engine
