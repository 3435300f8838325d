#include "sim/read_history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "job/decide.hpp"
#include "sim/decision_log.hpp"
#include "sim/ledger_history.hpp"

namespace holdfast::sim {

namespace {

// What was not decided but is known to have happened. `before`: what was decided in the same millisecond.
struct Aside {
  Instant at;
  bool before = false;
  What what;
};

// What the decisions tell about one attempt.
struct AttemptFacts {
  std::size_t job = 0;
  Instant placed;
  std::optional<Instant> up;
  std::optional<Instant> program_started;
  std::optional<GenerationId> restored;
};

class Telling {
 public:
  Telling(const DecisionLog& log, ReadHistory& result) : log_(log), result_(result) {
    for (const auto& decision : log_.decisions) learn(decision);
    result_.figures.attempts = attempts_.size();
  }

  void add_leases(const std::vector<store::LeaseRow>& leases) {
    result_.figures.leases = leases.size();
    for (const auto& lease : leases) {
      const auto attempt = attempts_.find(lease.fence);
      if (!lease.up || attempt == attempts_.end()) continue;
      const auto& facts = attempt->second;
      asides_.push_back({facts.up.value_or(after_placing(*lease.up, facts)), false,
                         LeaseBegan{lease.fence, lease.job, lease.instance, lease.spot, lease.price_per_hour,
                                    lease.on_demand_per_hour}});
      if (!lease.gone) continue;
      // So long after its release was asked for; by the clock of then, which may have been set since.
      const Instant asked = lease.release_asked.value_or(*lease.gone);
      const auto released = told_.find({facts.job, asked});
      const Instant from = released == told_.end() ? asked : released->second;
      asides_.push_back({from + std::max(*lease.gone - asked, Duration{0}), false,
                         LeaseEnded{lease.fence, lease.job, lease.instance, LeaseEnded::Why::released}});
    }
  }

  // When it went down is not recorded: at its last word, at the earliest. Before the first start on record nothing is
  // known, so it is taken for down all the time.
  void add_starts(const std::vector<Instant>& starts) {
    result_.figures.starts = starts.size();
    if (log_.decisions.empty()) return;
    if (starts.empty() || log_.decisions.front().at < starts.front())
      asides_.push_back({log_.decisions.front().at, true, ServiceCrashed{"no start is on record"}});
    for (std::size_t i = 0; i < starts.size(); ++i) {
      if (i > 0) asides_.push_back({last_word(starts[i - 1], starts[i]), false, ServiceCrashed{"started again"}});
      asides_.push_back({starts[i], true, ServiceStarted{}});
    }
  }

  void add_ledger(const LedgerPlace& place, const std::set<std::size_t>& jobs) {
    result_.figures.ledgers += place.empty() ? 0 : 1;
    result_.figures.generations += place.generations.size();
    // In their order within each attempt; a time that is not known is at the latest that of the next one.
    std::map<GenerationId, Instant> times;
    for (const auto& [generation, kept] : place.generations) times[generation] = kept.created;
    for (const auto& [generation, saved] : announced_) {
      const bool here = jobs.contains(attempts_.at(generation.fence).job);
      const bool newer_there = !place.generations.empty() && place.generations.rbegin()->first > generation;
      // The newest cannot have been cleaned up: with a ledger there, it is there. Without any somebody removed it all.
      if (here && !times.contains(generation) && (newer_there || place.empty())) {
        times[generation] = saved;
        cleaned_up_.insert(generation);
      }
    }
    settle_times(times);
    for (const auto& [generation, at] : times) tell_generation(place, generation, at);
    for (auto& [fence, facts] : attempts_) {
      if (jobs.contains(facts.job)) tell_opening(place, fence, facts, times);
    }
    for (const auto& [generation, at] : place.quarantined) tell_quarantine(place, generation, at);
  }

  void tell(Recorder& recorder) {
    std::ranges::stable_sort(asides_, [](const Aside& a, const Aside& b) {
      return std::pair(a.at, !a.before) < std::pair(b.at, !b.before);
    });
    auto aside = asides_.begin();
    std::vector<std::shared_ptr<const job::Job>> now(log_.jobs.size());
    const auto record = [&](Instant at, What what) {
      result_.last = std::max(result_.last, at);
      recorder.record({result_.last, std::move(what)});
    };
    for (const auto& decision : log_.decisions) {
      while (aside != asides_.end() && (aside->at < decision.at || (aside->at == decision.at && aside->before))) {
        record(aside->at, std::move(aside->what));
        ++aside;
      }
      tell_decision(decision, now[decision.job], record);
    }
    for (; aside != asides_.end(); ++aside) record(aside->at, std::move(aside->what));
  }

 private:
  const JobName& name_of(std::size_t job) const { return log_.jobs[job].name; }

  void learn(const LoggedDecision& decision) {
    told_[{decision.job, decision.decided_at}] = decision.at;
    if (!decision.event) return;
    if (const auto* placed = std::get_if<job::Placed>(&*decision.event)) {
      attempts_.try_emplace(placed->fence, AttemptFacts{decision.job, decision.at, {}, {}, {}});
    } else if (const auto* up = std::get_if<job::InstanceUp>(&*decision.event)) {
      if (const auto attempt = attempts_.find(up->fence); attempt != attempts_.end()) attempt->second.up = decision.at;
    } else if (const auto* started = std::get_if<job::ProgramStarted>(&*decision.event)) {
      if (const auto attempt = attempts_.find(started->fence); attempt != attempts_.end()) {
        attempt->second.program_started = decision.at;
        attempt->second.restored = started->restored;
      }
    } else if (const auto* saved = std::get_if<job::CheckpointSaved>(&*decision.event)) {
      if (attempts_.contains(saved->generation.fence)) announced_.try_emplace(saved->generation, decision.at);
    }
  }

  Instant last_word(Instant started, Instant next_start) const {
    const auto after = std::ranges::lower_bound(log_.decisions, next_start, {}, &LoggedDecision::at);
    return after == log_.decisions.begin() ? started : std::max(started, std::prev(after)->at);
  }

  static void settle_times(std::map<GenerationId, Instant>& times) {
    std::optional<std::pair<GenerationId, Instant>> next;
    for (auto entry = times.rbegin(); entry != times.rend(); ++entry) {
      if (next && next->first.fence == entry->first.fence) entry->second = std::min(entry->second, next->second);
      next = *entry;
    }
  }

  // Nothing of an attempt happens in the very millisecond of its placement.
  static Instant after_placing(Instant at, const AttemptFacts& facts) {
    return std::max(at, facts.placed + milliseconds{1});
  }

  void tell_generation(const LedgerPlace& place, const GenerationId& generation, Instant at) {
    const auto attempt = attempts_.find(generation.fence);
    if (attempt == attempts_.end()) return foreign(generation.fence);
    const auto saved = announced_.find(generation);
    if (saved != announced_.end()) at = std::min(at, saved->second);
    at = after_placing(at, attempt->second);
    const auto& name = name_of(attempt->second.job);
    const auto kept = place.generations.find(generation);
    // Of one in quarantine the mark tells; what nothing else needed of it is cleaned up since.
    const bool marked = place.quarantined.contains(generation);
    const bool good = kept == place.generations.end() || (kept->second.whole && kept->second.readable);
    if (!good && !marked) ++result_.figures.damaged;
    const bool whole = kept == place.generations.end() || kept->second.whole || marked;
    const auto base = kept == place.generations.end() ? attempt->second.restored : kept->second.based_on;
    asides_.push_back(
        {at, true, GenerationStored{name, generation.fence, generation.sequence, whole, std::nullopt, base}});
    generations_told_.insert(generation);
    if (kept != place.generations.end() && !kept->second.readable)
      asides_.push_back({at, true, GenerationSpoilt{name, generation.fence, generation.sequence}});
  }

  void tell_opening(const LedgerPlace& place, Fence fence, AttemptFacts& facts,
                    const std::map<GenerationId, Instant>& times) {
    const auto opening = place.openings.find(fence);
    if (opening == place.openings.end() && !facts.program_started) return;
    auto base = opening == place.openings.end() ? facts.restored : opening->second.based_on;
    Instant at = opening == place.openings.end() ? *facts.program_started : opening->second.created;
    const auto first = times.lower_bound({fence, 0});
    const bool saved = first != times.end() && first->first.fence == fence;
    if (saved) at = std::min(at, first->second - milliseconds{2});
    at = after_placing(at, facts);
    if (base && !attempts_.contains(base->fence)) return foreign(base->fence);
    if (base) bases_.insert(*base);
    // It was there then; a clean-up took it since.
    if (base && !generations_told_.contains(*base)) tell_generation({}, *base, at);
    asides_.push_back({at, true, AttemptOpened{name_of(facts.job), fence, base}});
    // Ledgers from before there was the mark, and cleaned ones, have none.
    if (place.anew.contains(fence) || (facts.program_started && !facts.restored))
      asides_.push_back({at, true, BeganAnew{name_of(facts.job), fence}});
    if (!facts.program_started) return;
    // The service may have heard of it late, when the program had already saved.
    Instant restored = *facts.program_started;
    if (saved) restored = std::min(restored, first->second - milliseconds{1});
    asides_.push_back({std::max(at, restored), true, Restored{name_of(facts.job), fence, facts.restored}});
  }

  void tell_quarantine(const LedgerPlace& place, const GenerationId& generation, Instant at) {
    const auto attempt = attempts_.find(generation.fence);
    if (attempt == attempts_.end()) return foreign(generation.fence);
    if (place.generations.contains(generation)) ++result_.figures.damaged;
    const auto& name = name_of(attempt->second.job);
    // Why is written in the mark, for people; what was wrong then cannot be looked at any more.
    asides_.push_back({at, true, GenerationSpoilt{name, generation.fence, generation.sequence}});
    asides_.push_back({at, true, Quarantined{name, Fence{}, generation}});
  }

  void foreign(Fence fence) {
    if (!foreign_.insert(fence).second) return;
    result_.notes.push_back(
        fmt::format("checkpoints of attempt {}, which this database does not know, are left out: its job was deleted "
                    "since, or another service wrote them",
                    fence.value));
  }

  template <class Record>
  void tell_decision(const LoggedDecision& decision, std::shared_ptr<const job::Job>& now, const Record& record) {
    const auto& logged = log_.jobs[decision.job];
    if (!decision.event) {
      now = std::make_shared<const job::Job>(job::create(logged.stored->spec, decision.decided_at).job);
    } else {
      now = std::make_shared<const job::Job>(decide_again(*now, decision));
    }
    record(decision.at, Decided{logged.name, decision.version, decision.event, decision.decided_at, now});
    if (!decision.event) record(decision.at, accepted(logged.name, *now->spec));
    if (decision.event && std::holds_alternative<job::StopRequested>(*decision.event))
      record(decision.at, StopAcked{logged.name});
    if (const auto* saved = decision.event ? std::get_if<job::CheckpointSaved>(&*decision.event) : nullptr;
        saved && cleaned_up_.contains(saved->generation) && !bases_.contains(saved->generation))
      record(decision.at, GenerationRemoved{logged.name, saved->generation.fence, saved->generation.sequence});
  }

  // Only the newest version of a job is stored; those before are what its events give.
  static job::Job decide_again(const job::Job& before, const LoggedDecision& decision) {
    job::Job job = before;
    job.version = decision.version - 1;
    auto decided = job::decide(job, *decision.event, decision.decided_at);
    if (decided) return std::move(decided->job);
    job.version = decision.version;  // ignored: P10 says so
    return job;
  }

  static Accepted accepted(const JobName& name, const job::JobSpec& spec) {
    return {name,
            spec.spot,
            spec.max_runtime,
            spec.max_wait,
            spec.checkpoint ? std::optional(spec.checkpoint->s3_uri) : std::nullopt,
            spec.max_retries};
  }

  const DecisionLog& log_;
  ReadHistory& result_;
  std::map<Fence, AttemptFacts> attempts_;
  std::map<GenerationId, Instant> announced_;
  std::map<std::pair<std::size_t, Instant>, Instant> told_;  // when a decision was told, by its job and its own time
  std::set<GenerationId> generations_told_, cleaned_up_, bases_;
  std::set<Fence> foreign_;
  std::vector<Aside> asides_;
};

// Jobs by the place of their checkpoints.
std::map<std::string, std::set<std::size_t>> places_of(const DecisionLog& log) {
  std::map<std::string, std::set<std::size_t>> places;
  for (std::size_t i = 0; i < log.jobs.size(); ++i) {
    const auto& checkpoint = log.jobs[i].stored->spec->checkpoint;
    if (!checkpoint) continue;
    std::string uri = checkpoint->s3_uri;
    if (!uri.ends_with('/')) uri += '/';
    places[uri].insert(i);
  }
  return places;
}

}  // namespace

Result<ReadHistory> read_history(const std::string& database, ports::ObjectStore& objects, std::optional<Instant> up_to,
                                 Recorder& recorder, Ending& ending) {
  ReadHistory result;
  const auto reader = store::HistoryReader::open(database);
  if (!reader) return fail(reader.error());
  auto log = read_decisions(**reader);
  if (!log) return fail(log.error());
  const auto leases = (*reader)->leases();
  if (!leases) return fail(leases.error());
  const auto starts = (*reader)->starts();
  if (!starts) return fail(starts.error());

  result.figures.schema = (*reader)->schema();
  result.figures.jobs = log->jobs.size();
  result.figures.decisions = log->decisions.size();
  result.contradictions = std::move(log->contradictions);
  Telling telling(*log, result);
  telling.add_leases(*leases);
  telling.add_starts(*starts);
  for (const auto& [uri, jobs] : places_of(*log)) {
    const auto place = read_ledger(objects, uri);
    if (!place) {
      result.notes.push_back(fmt::format("{}: {}", uri, place.error().message));
      continue;
    }
    telling.add_ledger(*place, jobs);
  }
  telling.tell(recorder);
  if (!up_to) recorder.record({result.last, ServiceCrashed{"it does not run"}});
  ending.at = std::max(result.last, up_to.value_or(result.last));
  for (auto& job : log->jobs) {
    result.figures.live_jobs += job::is_ended(*job.stored) ? 0 : 1;
    ending.jobs.push_back({job.name, job.stored});
  }
  return result;
}

}  // namespace holdfast::sim
