// P4: committed progress never goes back. What was announced as saved, or was gone on from before, is the least that
// the next attempt finds, unless the store damaged it or it is in quarantine.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/overload.hpp"
#include "sim/checkers/checkers.hpp"

namespace holdfast::sim::checkers {

namespace {

constexpr std::size_t kKept = 3;  // contents, docs/checkpoints.md

class NoStepBack final : public Checker {
 public:
  NoStepBack() : Checker("P4") {}

  void see(const Record& record) override {
    std::visit(Overload{[&](const GenerationStored& r) { on(r); }, [&](const GenerationSpoilt& r) { on(r); },
                        [&](const Quarantined& r) { lost(r.job, r.generation); },
                        [&](const GenerationRemoved& r) {
                          removed(record.at, r.job, {r.fence, r.sequence});
                        },
                        [&](const Restored& r) { on(r); }, [&](const Decided& r) { on(record.at, r); },
                        [&](const ProgramBegan& r) { on(record.at, r); }, [](const auto&) {}},
               record.what);
  }
  void finish(const Ending&) override {}

 private:
  struct Saved {
    std::uint64_t step = 0;
    bool announced = false;
    std::set<Fence> gone_on_from = {};  // by these attempts
    bool promised() const { return announced || !gone_on_from.empty(); }
  };
  struct Life {
    std::map<GenerationId, Saved> saved;         // whole and undamaged
    std::map<GenerationId, std::uint64_t> ever;  // steps of all that were stored whole
    std::map<Fence, std::uint64_t> highest_stored;
    std::set<Fence> spoilt;              // attempts of which something was damaged
    std::optional<GenerationId> newest;  // as the job has it
  };

  void on(const GenerationStored& stored) {
    auto& life = jobs_[stored.job];
    auto& highest = life.highest_stored[stored.fence];
    highest = std::max(highest, stored.sequence);
    // One that is not whole promises nothing; P3 says what is wrong with it.
    if (!stored.whole || !stored.step) return;
    life.saved[{stored.fence, stored.sequence}] = {*stored.step};
    life.ever[{stored.fence, stored.sequence}] = *stored.step;
  }

  void on(const Restored& restored) {
    auto& life = jobs_[restored.job];
    const auto found = restored.generation ? life.saved.find(*restored.generation) : life.saved.end();
    if (found != life.saved.end() && !life.spoilt.contains(restored.fence))
      found->second.gone_on_from.insert(restored.fence);
  }

  // It also takes away what says that this attempt went on from another, before or after it does.
  void on(const GenerationSpoilt& spoilt) {
    auto& life = jobs_[spoilt.job];
    life.spoilt.insert(spoilt.fence);
    lost(spoilt.job, {spoilt.fence, spoilt.sequence});
    for (auto& [generation, saved] : life.saved) saved.gone_on_from.erase(spoilt.fence);
  }

  void lost(const JobName& job, const GenerationId& generation) { jobs_[job].saved.erase(generation); }

  // A clean-up may take what so many newer contents have made superfluous, whatever became of those since. Commits that
  // are repeated within an attempt are one content.
  void removed(Instant at, const JobName& job, const GenerationId& generation) {
    auto& life = jobs_[job];
    const auto found = life.saved.find(generation);
    if (found == life.saved.end()) return;
    std::set<std::pair<Fence, std::uint64_t>> newer;
    for (auto it = life.ever.upper_bound(generation); it != life.ever.end() && newer.size() < kKept; ++it) {
      newer.insert({it->first.fence, it->second});
    }
    if (found->second.promised() && newer.size() < kKept)
      violated(at, fmt::format("{}: generation {}-{} was cleaned away, and only {} newer contents were ever stored",
                               job.value, generation.fence.value, generation.sequence, newer.size()));
    life.saved.erase(found);
  }

  void on(Instant at, const Decided& decided) {
    auto& life = jobs_[decided.job];
    if (decided.event) {
      if (const auto* saved = std::get_if<job::CheckpointSaved>(&*decided.event)) announced(at, decided, *saved, life);
    }
    const auto& newest = decided.after->last_generation;
    if (life.newest && (!newest || *newest < *life.newest))
      violated(at, fmt::format("{}: the last generation was {}-{} and is {}-{} now", decided.job.value,
                               life.newest->fence.value, life.newest->sequence, newest ? newest->fence.value : 0,
                               newest ? newest->sequence : 0));
    life.newest = newest;
  }

  void announced(Instant at, const Decided& decided, const job::CheckpointSaved& saved, Life& life) {
    const auto& generation = saved.generation;
    if (life.highest_stored[generation.fence] < generation.sequence)
      violated(at, fmt::format("{}: generation {}-{} was announced, but is not in the store", decided.job.value,
                               generation.fence.value, generation.sequence));
    if (decided.after->last_generation != generation)
      violated(at, fmt::format("{}: generation {}-{} was announced, and the job does not have it", decided.job.value,
                               generation.fence.value, generation.sequence));
    if (const auto found = life.saved.find(generation); found != life.saved.end()) found->second.announced = true;
  }

  void on(Instant at, const ProgramBegan& began) {
    const auto found = jobs_.find(began.job);
    if (found == jobs_.end()) return;
    const std::uint64_t step = began.found.step.value_or(0);
    const auto& all = found->second.saved;
    for (auto it = all.rbegin(); it != all.rend(); ++it) {
      const auto& [generation, saved] = *it;
      if (generation.fence >= began.fence || !saved.promised() || saved.step <= step) continue;
      return violated(
          at, fmt::format("{}: attempt {} finds step {}, but step {} was saved in generation {}-{}", began.job.value,
                          began.fence.value, step, saved.step, generation.fence.value, generation.sequence));
    }
  }

  std::map<JobName, Life> jobs_;
};

}  // namespace

std::unique_ptr<Checker> no_step_back() { return std::make_unique<NoStepBack>(); }

}  // namespace holdfast::sim::checkers
