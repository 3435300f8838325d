// P3: a restore uses a checkpoint that was completely written, is undamaged, and is the newest such one that counts;
// and the program finds exactly that.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

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
    std::visit(
        Overload{[&](const AttemptOpened& r) { on(r); }, [&](const GenerationStored& r) { on(record.at, r); },
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
                 [&](const BeganAnew& r) { change(r.job, [&](LedgerModel& ledger) { ledger.begin_anew(r.fence); }); },
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
    std::set<GenerationId> late;  // came after their successors, which did not protect what these name
    bool damaged = false;         // the store has spoilt something here, which later generations may name again
  };
  // What an attempt may have restored, and what would be wrong with that.
  struct Candidate {
    LedgerModel::Choice generation;
    std::optional<std::uint64_t> step;  // that it holds, where that is known
    std::vector<std::string> faults;
    bool explains(const Found& found) const {
      const std::uint64_t there = found.step.value_or(0);
      return !found.torn && there == (generation ? step.value_or(there) : 0);
    }
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
    // One that comes late says again what it chose then.
    if (!is_new && opened.late) return settle(place);
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
    if (late) place.late.insert({stored.fence, stored.sequence});
    // The clean-up of a newer attempt may remove what an older one is about to name; that one does not count then. Nor
    // does a manifest that arrives after its successor, when what it alone names may be gone.
    if (!stored.whole && !late && !place.damaged && stored.fence >= place.ledger.newest_opened())
      violated(at, fmt::format("{}: generation {}-{} is in the ledger, but its files are not all in the store",
                               stored.job.value, stored.fence.value, stored.sequence));
  }

  void on(Instant at, const Quarantined& quarantined) {
    auto& place = place_of(quarantined.job);
    const auto* entry = place.ledger.find(quarantined.generation);
    if (entry && entry->whole && !entry->spoilt && !place.late.contains(quarantined.generation))
      violated(at, fmt::format("{}: generation {} was put in quarantine, but nothing is wrong with it",
                               quarantined.job.value, name_of(quarantined.generation)));
    place.ledger.quarantine(quarantined.generation);
    settle(place);
  }

  // The record says what the ledger names. An attempt that chose nothing in the end has no generation of its own that
  // says so, and an earlier opening of its may take effect last: the program's look tells.
  void on(Instant at, const Restored& restored) {
    auto& place = place_of(restored.job);
    auto& candidates = restored_[restored.fence];  // with two instances for one fence the latest
    candidates = {judge(restored, restored.generation, place, claim_of(place, restored))};
    const auto nothing = place.claims.find({restored.fence, std::nullopt});
    if (restored.generation && nothing != place.claims.end())
      candidates.push_back(judge(restored, std::nullopt, place, &nothing->second));
    if (candidates.size() == 1) say(at, candidates.front());
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

  static Candidate judge(const Restored& by, const LedgerModel::Choice& generation, const Place& place,
                         const Claim* claim) {
    Candidate candidate{generation, std::nullopt, {}};
    const auto fault = [&](const std::string& what) {
      candidate.faults.push_back(
          fmt::format("{}: attempt {} restored {}, {}", by.job.value, by.fence.value, name_of(generation), what));
    };
    const auto* entry = generation ? place.ledger.find(*generation) : nullptr;
    if (generation && !claim) fault("which it never said that it would");
    if (generation && claim && !entry) fault("which is not in the ledger");
    if (entry) candidate.step = entry->step;
    if (!claim) return candidate;
    if (entry && !entry->whole) fault("which was never completely written");
    // Damage that comes while it is read may come too late to be seen; the program's own look tells then.
    // And it may have stored a copy before the damage, and gone on from that.
    if (entry && generation == claim->base && claim->bad_before && !has_copy(place, by.fence, *entry))
      fault("which was damaged or in quarantine before");
    if (generation && generation->fence == by.fence) return candidate;
    if (generation != claim->base) {
      fault("but opened the ledger to go on from " + name_of(claim->base));
    } else if (!claim->was_newest) {
      const auto choices = place.ledger.choices(by.fence);
      fault("but the newest generation that counts is " + name_of(choices.front()));
    }
    return candidate;
  }

  static bool has_copy(const Place& place, Fence fence, const LedgerModel::Entry& of) {
    return place.ledger.any_of(fence, [&](const LedgerModel::Entry& own) {
      return own.whole && !own.spoilt && own.step && own.step == of.step;
    });
  }

  void say(Instant at, Candidate& candidate) {
    for (auto& fault : std::exchange(candidate.faults, {})) violated(at, std::move(fault));
  }

  void on(Instant at, const ProgramBegan& began) {
    const auto complain = [&](const std::string& what) {
      violated(at, fmt::format("{}: the program of attempt {} {}", began.job.value, began.fence.value, what));
    };
    if (began.found.torn) complain("finds a torn checkpoint");
    const std::uint64_t step = began.found.step.value_or(0);
    auto& candidates = restored_[began.fence];
    const auto explains = [&](const auto& candidate) { return candidate.explains(began.found); };
    auto which = std::ranges::find_if(
        candidates, [&](const auto& candidate) { return candidate.faults.empty() && explains(candidate); });
    if (which == candidates.end()) which = std::ranges::find_if(candidates, explains);
    if (which != candidates.end()) return say(at, *which);
    if (!candidates.empty()) say(at, candidates.front());
    if (began.found.torn) return;
    if (candidates.empty() || !candidates.front().generation) {
      if (step != 0) complain(fmt::format("finds step {}, but nothing was restored", step));
      return;
    }
    const auto& likely = candidates.front();
    complain(fmt::format("finds step {}, but generation {} holds step {}", step, name_of(likely.generation),
                         likely.step.value_or(0)));
  }

  Places places_;
  std::map<std::string, Place> ledgers_;
  std::map<Fence, std::vector<Candidate>> restored_;
  std::map<Fence, Instant> began_;  // the first instance of each attempt
};

}  // namespace

std::unique_ptr<Checker> whole_restores() { return std::make_unique<WholeRestores>(); }

}  // namespace holdfast::sim::checkers
