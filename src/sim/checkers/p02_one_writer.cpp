// P2: at most one attempt of a job moves its checkpoint ledger. Fences only grow, nobody is heard on an older one, and
// what an older attempt still commits after a newer one opened the ledger is never gone on from, if that one's program
// was started.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/overload.hpp"
#include "sim/checkers/checkers.hpp"
#include "sim/checkers/places.hpp"

namespace holdfast::sim::checkers {

namespace {

std::optional<Fence> fence_of(const job::Event& event) {
  return std::visit(
      [](const auto& what) -> std::optional<Fence> {
        if constexpr (requires { what.fence; }) return what.fence;
        return std::nullopt;
      },
      event);
}

std::optional<Fence> current_fence(const job::Job& job) {
  const auto* attempt = job::current_attempt(job);
  return attempt ? std::optional(attempt->fence) : std::nullopt;
}

// Nothing that a user, a restore or a bill would notice.
bool says_the_same(const job::Job& a, const job::Job& b) {
  return a.state.index() == b.state.index() && current_fence(a) == current_fence(b) &&
         a.transitions.size() == b.transitions.size() && a.booked_until == b.booked_until &&
         a.last_generation == b.last_generation && a.attempts == b.attempts && a.interruptions == b.interruptions;
}

class OneWriter final : public Checker {
 public:
  OneWriter() : Checker("P2") {}

  void see(const Record& record) override {
    places_.see(record);
    std::visit(Overload{[&](const Decided& r) { on(record.at, r); }, [&](const AttemptOpened& r) { on(record.at, r); },
                        [&](const GenerationStored& r) { on(record.at, r); }, [&](const GenerationSpoilt& r) { on(r); },
                        [&](const GenerationRemoved& r) { on(r); }, [&](const Restored& r) { on(record.at, r); },
                        [](const auto&) {}},
               record.what);
  }
  void finish(const Ending&) override {}

 private:
  // What comes is counted, whatever the time is: two things of one millisecond have an order too.
  struct Attempt {
    JobName job;
    std::uint64_t placed = 0;
  };
  struct Opening {
    // All that it, and the generations of its attempt, ever named: an attempt may choose again, and what it puts takes
    // effect in any order.
    std::set<std::optional<GenerationId>> bases;
    std::uint64_t since = 0;  // it is there
    bool readable = true;
  };
  struct Place {
    using Openings = std::map<Fence, Opening>;
    Openings openings;
    std::map<GenerationId, std::uint64_t> came;
    std::map<Fence, std::uint64_t> started;

    // The newest attempt that had started by then and did, whichever of its bases counts. Its opening speaks for what
    // lies between its own attempt and its base; that one's attempt speaks for those below it.
    Openings::const_iterator passed_over_by(std::uint64_t then, const GenerationId& generation,
                                            Openings::const_iterator next) const {
      while (next != openings.begin()) {
        const auto opening = std::prev(next);
        if (opening->first <= generation.fence) break;
        const auto start = started.find(opening->first);
        if (start == started.end() || start->second >= then) {
          next = opening;
          continue;
        }
        if (!opening->second.readable) break;
        auto over = opening;
        for (const auto& base : opening->second.bases) {
          if (!base || *base < GenerationId{generation.fence, 0}) continue;
          if (base->fence == generation.fence && *base < generation) continue;
          if (base->fence == generation.fence) return openings.end();
          over = passed_over_by(then, generation, openings.upper_bound(base->fence));
          if (over == openings.end()) break;
        }
        return over;
      }
      return openings.end();
    }

    // One that arrives behind its successor, which came in time, is as good as that.
    bool came_before(std::uint64_t moment, const GenerationId& generation) const {
      for (auto it = came.lower_bound(generation); it != came.end() && it->first.fence == generation.fence; ++it) {
        if (it->second < moment) return true;
      }
      return false;
    }
  };

  void on(Instant at, const Decided& decided) {
    auto& before = stored_[decided.job];
    if (decided.event) {
      if (const auto* placed = std::get_if<job::Placed>(&*decided.event)) {
        on_placed(at, decided, placed->fence);
      } else if (before) {
        judge_fence(at, decided, *before);
      }
    }
    before = decided.after;
  }

  void on_placed(Instant at, const Decided& decided, Fence fence) {
    if (fence <= highest_)
      violated(at,
               fmt::format("{}: fence {} is given out after fence {}", decided.job.value, fence.value, highest_.value));
    highest_ = std::max(highest_, fence);
    attempts_.try_emplace(fence, Attempt{decided.job, ++count_});
    const auto current = current_fence(*decided.after);
    if (current != fence)
      violated(at, fmt::format("{}: placed with fence {}, but its attempt has fence {}", decided.job.value, fence.value,
                               current ? current->value : 0));
  }

  void judge_fence(Instant at, const Decided& decided, const job::Job& before) {
    const auto was = current_fence(before);
    const auto is = current_fence(*decided.after);
    if (is && is != was)
      violated(at,
               fmt::format("{}: {} made fence {} current", decided.job.value, event_name(*decided.event), is->value));
    const auto said = fence_of(*decided.event);
    if (said && said != was && !says_the_same(before, *decided.after))
      violated(at, fmt::format("{}: {} of fence {} was heeded, though fence {} is the current one", decided.job.value,
                               event_name(*decided.event), said->value, was ? was->value : 0));
  }

  void on(Instant at, const AttemptOpened& opened) {
    judge_known(at, opened.job, opened.fence, "opened the ledger");
    auto& place = place_of(opened.job);
    if (opened.based_on) judge_use(at, opened.job, opened.fence, *opened.based_on);
    const auto [opening, is_new] = place.openings.try_emplace(opened.fence);
    opening->second.bases.insert(opened.based_on);
    opening->second.readable = true;
    if (is_new) opening->second.since = ++count_;
  }

  void on(Instant at, const GenerationStored& stored) {
    judge_known(at, stored.job, stored.fence, "committed a generation");
    auto& place = place_of(stored.job);
    // In any order: a put whose answer was lost may take effect after the one that followed it.
    if (!place.came.try_emplace({stored.fence, stored.sequence}, ++count_).second)
      violated(at, fmt::format("{}: generation {}-{} was stored twice", stored.job.value, stored.fence.value,
                               stored.sequence));
    place.started.try_emplace(stored.fence, count_);
    const auto opening = place.openings.find(stored.fence);
    if (opening != place.openings.end()) opening->second.bases.insert(stored.based_on);
  }

  void on(Instant at, const Restored& restored) {
    place_of(restored.job).started.try_emplace(restored.fence, ++count_);
    if (restored.generation) judge_use(at, restored.job, restored.fence, *restored.generation);
  }

  // An opening that is unreadable bars nothing any more: losing the record must not lose progress. What a generation of
  // its attempt says instead, P3 knows.
  void on(const GenerationSpoilt& spoilt) {
    auto& openings = place_of(spoilt.job).openings;
    const auto opening = spoilt.sequence == 0 ? openings.find(spoilt.fence) : openings.end();
    if (opening != openings.end()) opening->second.readable = false;
  }
  void on(const GenerationRemoved& removed) {
    if (removed.sequence == 0) place_of(removed.job).openings.erase(removed.fence);
  }

  // By those that had started before the user was placed: of others it may have known nothing when it chose, and its
  // opening may take effect late.
  void judge_use(Instant at, const JobName& job, Fence user, const GenerationId& used) {
    const auto& place = place_of(job);
    if (user == used.fence || !attempts_.contains(user)) return;
    if (used.fence > user)
      violated(at, fmt::format("{}: attempt {} goes on from {}-{}, of a newer one", job.value, user.value,
                               used.fence.value, used.sequence));
    const auto over = place.passed_over_by(attempts_.at(user).placed, used, place.openings.end());
    if (over != place.openings.end() && place.came.contains(used) && !place.came_before(over->second.since, used))
      violated(at, fmt::format("{}: attempt {} goes on from {}-{}, which came after attempt {} had opened the ledger",
                               job.value, user.value, used.fence.value, used.sequence, over->first.value));
  }

  void judge_known(Instant at, const JobName& job, Fence fence, const char* did) {
    const auto known = attempts_.find(fence);
    if (known == attempts_.end()) {
      violated(at, fmt::format("{}: attempt {} {}, but was never placed", job.value, fence.value, did));
    } else if (known->second.job != job) {
      violated(at, fmt::format("{}: attempt {} {}, but belongs to {}", job.value, fence.value, did,
                               known->second.job.value));
    }
  }

  Place& place_of(const JobName& job) { return ledgers_[places_.of(job)]; }

  Places places_;
  Fence highest_;
  std::map<JobName, std::shared_ptr<const job::Job>> stored_;
  std::map<Fence, Attempt> attempts_;
  std::map<std::string, Place> ledgers_;
  std::uint64_t count_ = 0;
};

}  // namespace

std::unique_ptr<Checker> one_writer() { return std::make_unique<OneWriter>(); }

}  // namespace holdfast::sim::checkers
