// P3: a restore uses a checkpoint that was completely written, is undamaged, and is the newest such one that counts;
// and the program finds exactly that.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/overload.hpp"
#include "sim/checkers/checkers.hpp"
#include "sim/checkers/ledger_model.hpp"
#include "sim/checkers/places.hpp"

namespace holdfast::sim::checkers {

namespace {

std::string name_of(const LedgerModel::Choice& generation) {
  return generation ? fmt::format("{}-{}", generation->fence.value, generation->sequence) : "nothing";
}

class WholeRestores final : public Checker {
 public:
  WholeRestores() : Checker("P3") {}

  void see(const Record& record) override {
    places_.see(record);
    std::visit(Overload{[&](const AttemptOpened& r) { on(r); }, [&](const GenerationStored& r) { on(record.at, r); },
                        [&](const LeaseBegan& r) { began_.try_emplace(r.fence, record.at); },
                        [&](const GenerationSpoilt& r) {
                          auto& place = place_of(r.job);
                          place.damaged = true;
                          place.spoilt_at.try_emplace({r.fence, r.sequence}, record.at);
                          change(r.job, [&](LedgerModel& ledger) { ledger.spoil({r.fence, r.sequence}); });
                        },
                        [&](const GenerationRemoved& r) {
                          change(r.job, [&](LedgerModel& ledger) { ledger.remove({r.fence, r.sequence}); });
                        },
                        [&](const Quarantined& r) { on(record.at, r); }, [&](const Restored& r) { on(record.at, r); },
                        [&](const ProgramBegan& r) { on(record.at, r); }, [](const auto&) {}},
               record.what);
  }
  void finish(const Ending&) override {}

 private:
  // What an attempt said it would go on from. It may say several things, and the store may take them in any order.
  struct Claim {
    LedgerModel::Choice base;
    bool was_newest = false;  // at some moment since the opening: choosing and writing it take their time
    bool bad_before = false;  // what it names was damaged before that attempt can have read any of it
  };
  struct Place {
    LedgerModel ledger;
    std::map<std::pair<Fence, LedgerModel::Choice>, Claim> claims;
    std::map<Fence, LedgerModel::Choice> last_claim;
    std::size_t unsettled = 0;                     // claims that were not the newest yet
    std::map<Fence, std::uint64_t> newest_stored;  // sequence, of each attempt
    std::map<GenerationId, Instant> spoilt_at;
    bool damaged = false;  // the store has spoilt something here, which later generations may name again
  };
  // What an attempt has restored: with two instances for one fence the latest.
  struct Now {
    LedgerModel::Choice generation;
    std::optional<std::uint64_t> step;
  };

  Place& place_of(const JobName& job) { return ledgers_[places_.of(job)]; }

  static bool is_newest(const Place& place, Fence reader, const LedgerModel::Choice& choice) {
    const auto choices = place.ledger.choices(reader);
    return std::ranges::any_of(
        choices, [&](const auto& newest) { return newest == choice || is_copy(place, reader, newest, choice); });
  }
  // An attempt stores under its own name what it goes on from. Such a copy that is there late, when the attempt has
  // chosen again, holds no more than the choice.
  static bool is_copy(const Place& place, Fence reader, const LedgerModel::Choice& newest,
                      const LedgerModel::Choice& choice) {
    if (!newest || !choice || newest->fence != reader || choice->fence == reader) return false;
    const auto* own = place.ledger.find(*newest);
    const auto* chosen = place.ledger.find(*choice);
    return own && chosen && own->step && chosen->step && *own->step <= *chosen->step;
  }
  static void settle(Place& place) {
    if (place.unsettled == 0) return;
    for (auto& [by, claim] : place.claims) {
      if (claim.was_newest || !is_newest(place, by.first, claim.base)) continue;
      claim.was_newest = true;
      --place.unsettled;
    }
  }
  template <class Change>
  void change(const JobName& job, const Change& how) {
    auto& place = place_of(job);
    how(place.ledger);
    settle(place);
  }

  void on(const AttemptOpened& opened) {
    auto& place = place_of(opened.job);
    place.ledger.open(opened.fence, opened.based_on);
    const auto [claim, is_new] = place.claims.try_emplace({opened.fence, opened.based_on});
    if (is_new || claim->second.was_newest) ++place.unsettled;
    claim->second = {opened.based_on, false, is_bad(place, opened)};
    place.last_claim[opened.fence] = opened.based_on;
    settle(place);
  }

  bool is_bad(const Place& place, const AttemptOpened& opened) const {
    const auto* entry = opened.based_on ? place.ledger.find(*opened.based_on) : nullptr;
    if (!entry || entry->quarantined) return entry != nullptr;
    const auto spoilt = place.spoilt_at.find(*opened.based_on);
    const auto began = began_.find(opened.fence);
    return entry->spoilt &&
           (began == began_.end() || spoilt == place.spoilt_at.end() || spoilt->second < began->second);
  }

  void on(Instant at, const GenerationStored& stored) {
    auto& place = place_of(stored.job);
    place.ledger.store(stored);
    settle(place);
    auto& newest = place.newest_stored[stored.fence];
    const bool late = stored.sequence < newest;
    newest = std::max(newest, stored.sequence);
    // The clean-up of a newer attempt may remove what an older one is about to name; that one does not count then. Nor
    // does a manifest that arrives after its successor, when what it alone names may be gone.
    if (!stored.whole && !late && !place.damaged && stored.fence >= place.ledger.newest_opened())
      violated(at, fmt::format("{}: generation {}-{} is in the ledger, but its files are not all in the store",
                               stored.job.value, stored.fence.value, stored.sequence));
  }

  void on(Instant at, const Quarantined& quarantined) {
    auto& place = place_of(quarantined.job);
    const auto* entry = place.ledger.find(quarantined.generation);
    if (entry && entry->whole && !entry->spoilt)
      violated(at, fmt::format("{}: generation {} was put in quarantine, but nothing is wrong with it",
                               quarantined.job.value, name_of(quarantined.generation)));
    place.ledger.quarantine(quarantined.generation);
    settle(place);
  }

  void on(Instant at, const Restored& restored) {
    auto& place = place_of(restored.job);
    auto& now = now_[restored.fence];
    now = {restored.generation, std::nullopt};
    const auto* claim = claim_of(place, restored);
    if (restored.generation) {
      judge_generation(at, restored, place, claim);
      if (const auto* entry = place.ledger.find(*restored.generation)) now.step = entry->step;
    }
    if (!claim) return;
    const bool own = restored.generation && restored.generation->fence == restored.fence;
    if (!own && restored.generation != claim->base)
      return violated(
          at, fmt::format("{}: attempt {} opened the ledger to go on from {}, but restored {}", restored.job.value,
                          restored.fence.value, name_of(claim->base), name_of(restored.generation)));
    if (!own && !claim->was_newest) {
      const auto choices = place.ledger.choices(restored.fence);
      violated(
          at, fmt::format("{}: attempt {} restored {}, but the newest generation that counts is {}", restored.job.value,
                          restored.fence.value, name_of(restored.generation), name_of(choices.front())));
    }
  }

  // The one that it kept, or else the last.
  static const Claim* claim_of(const Place& place, const Restored& restored) {
    auto claim = place.claims.find({restored.fence, restored.generation});
    if (claim != place.claims.end()) return &claim->second;
    const auto last = place.last_claim.find(restored.fence);
    if (last == place.last_claim.end()) return nullptr;
    claim = place.claims.find({restored.fence, last->second});
    return &claim->second;
  }

  void judge_generation(Instant at, const Restored& restored, const Place& place, const Claim* claim) {
    const auto say = [&](const char* what) {
      violated(at, fmt::format("{}: attempt {} restored {}, which {}", restored.job.value, restored.fence.value,
                               name_of(restored.generation), what));
    };
    if (!claim) return say("it never said that it would");
    const auto* entry = place.ledger.find(*restored.generation);
    if (!entry) return say("is not in the ledger");
    if (!entry->whole) say("was never completely written");
    // Damage that comes while it is read may come too late to be seen; the program's own look tells then.
    if (restored.generation == claim->base && claim->bad_before) say("was damaged or in quarantine before");
  }

  void on(Instant at, const ProgramBegan& began) {
    const auto found = now_.find(began.fence);
    const auto say = [&](const std::string& what) {
      violated(at, fmt::format("{}: the program of attempt {} {}", began.job.value, began.fence.value, what));
    };
    if (began.found.torn) say("finds a torn checkpoint");
    const std::uint64_t step = began.found.step.value_or(0);
    if (found == now_.end() || !found->second.generation) {
      if (step != 0) say(fmt::format("finds step {}, but nothing was restored", step));
      return;
    }
    const auto& now = found->second;
    if (!began.found.torn && now.step && step != *now.step)
      say(fmt::format("finds step {}, but generation {} holds step {}", step, name_of(now.generation), *now.step));
  }

  Places places_;
  std::map<std::string, Place> ledgers_;
  std::map<Fence, Now> now_;
  std::map<Fence, Instant> began_;  // the first instance of each attempt
};

}  // namespace

std::unique_ptr<Checker> whole_restores() { return std::make_unique<WholeRestores>(); }

}  // namespace holdfast::sim::checkers
