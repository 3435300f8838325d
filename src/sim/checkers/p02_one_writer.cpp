// P2: at most one attempt of a job moves its checkpoint ledger. Fences only grow, nobody is heard on an older one, and
// what an older attempt still commits after a newer one opened the ledger is never gone on from.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

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
                        [&](const GenerationRemoved& r) { on(r); },
                        [&](const Restored& r) {
                          if (r.generation) judge_use(record.at, r.job, r.fence, *r.generation);
                        },
                        [](const auto&) {}},
               record.what);
  }
  void finish(const Ending&) override {}

 private:
  struct Attempt {
    JobName job;
    std::set<std::uint64_t> sequences = {};  // of all its generations
  };
  struct Place {
    std::map<Fence, std::optional<GenerationId>> openings;  // that can be read, and what each goes on from
    // Generations that came when a newer attempt had passed over theirs, and that attempt.
    std::map<GenerationId, Fence> too_late;

    // The newest attempt that did. An opening speaks for the attempts from its own down to that of its base; that one
    // speaks for those below it.
    std::optional<Fence> passed_over_by(Fence fence) const {
      auto next = openings.end();
      while (next != openings.begin()) {
        const auto& [opened, base] = *--next;
        if (opened <= fence) return std::nullopt;
        if (!base || base->fence <= fence) return opened;
        next = openings.upper_bound(base->fence);
      }
      return std::nullopt;
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
    attempts_.try_emplace(fence, Attempt{decided.job});
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
    if (opened.based_on) {
      judge_use(at, opened.job, opened.fence, *opened.based_on);
      // Chosen again by the very attempt that it came too late for, before that attempt went on from anything: it
      // counts now, and so does what came before it.
      std::erase_if(place.too_late, [&](const auto& late) {
        const auto& [generation, by] = late;
        return by == opened.fence && generation.fence == opened.based_on->fence &&
               generation.sequence <= opened.based_on->sequence;
      });
    }
    place.openings[opened.fence] = opened.based_on;
  }

  void on(Instant at, const GenerationStored& stored) {
    judge_known(at, stored.job, stored.fence, "committed a generation");
    // In any order: a put whose answer was lost may take effect after the one that followed it.
    auto& sequences = attempts_[stored.fence].sequences;
    if (!sequences.insert(stored.sequence).second)
      violated(at, fmt::format("{}: generation {}-{} was stored twice", stored.job.value, stored.fence.value,
                               stored.sequence));
    auto& place = place_of(stored.job);
    const auto by = place.passed_over_by(stored.fence);
    if (!by) return;
    // One that arrives behind its successor, which came in time, is as good as that.
    const bool overtaken = std::any_of(sequences.upper_bound(stored.sequence), sequences.end(), [&](auto later) {
      return !place.too_late.contains({stored.fence, later});
    });
    if (!overtaken) place.too_late[{stored.fence, stored.sequence}] = *by;
  }

  // An opening that is lost or unreadable bars nothing any more: losing the record must not lose progress.
  void on(const GenerationSpoilt& spoilt) {
    if (spoilt.sequence == 0) forget_opening(place_of(spoilt.job), spoilt.fence);
  }
  static void forget_opening(Place& place, Fence fence) {
    place.openings.erase(fence);
    std::erase_if(place.too_late, [&](const auto& entry) { return entry.second == fence; });
  }
  void on(const GenerationRemoved& removed) {
    auto& place = place_of(removed.job);
    if (removed.sequence == 0) return forget_opening(place, removed.fence);
    place.too_late.erase({removed.fence, removed.sequence});
  }

  void judge_use(Instant at, const JobName& job, Fence user, const GenerationId& used) {
    const auto& place = place_of(job);
    if (used.fence > user)
      violated(at, fmt::format("{}: attempt {} goes on from {}-{}, of a newer one", job.value, user.value,
                               used.fence.value, used.sequence));
    const auto late = place.too_late.find(used);
    if (late != place.too_late.end() && late->second != user && user > used.fence)
      violated(at, fmt::format("{}: attempt {} goes on from {}-{}, which came after attempt {} had opened the ledger",
                               job.value, user.value, used.fence.value, used.sequence, late->second.value));
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
};

}  // namespace

std::unique_ptr<Checker> one_writer() { return std::make_unique<OneWriter>(); }

}  // namespace holdfast::sim::checkers
