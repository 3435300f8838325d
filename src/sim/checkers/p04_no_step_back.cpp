// P4: committed progress never goes back. What was announced as saved, or was gone on from before, is the least that
// the next attempt finds, unless the store damaged it or it is in quarantine.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/overload.hpp"
#include "sim/checkers/checkers.hpp"

namespace holdfast::sim::checkers {

namespace {

class NoStepBack final : public Checker {
 public:
  NoStepBack() : Checker("P4") {}

  void see(const Record& record) override {
    std::visit(Overload{[&](const GenerationStored& r) { on(r); },
                        [&](const GenerationSpoilt& r) {
                          lost(r.job, {r.fence, r.sequence});
                        },
                        [&](const Quarantined& r) { lost(r.job, r.generation); },
                        [&](const GenerationRemoved& r) {
                          removed(r.job, {r.fence, r.sequence});
                        },
                        [&](const Restored& r) {
                          if (r.generation) promise(jobs_[r.job], *r.generation);
                        },
                        [&](const Decided& r) { on(record.at, r); }, [&](const ProgramBegan& r) { on(record.at, r); },
                        [](const auto&) {}},
               record.what);
  }
  void finish(const Ending&) override {}

 private:
  struct Saved {
    std::uint64_t step = 0;
    bool promised = false;  // announced or gone on from
  };
  struct Life {
    std::map<job::Generation, Saved> saved;  // whole and undamaged
    std::map<Fence, std::uint64_t> highest_stored;
    std::optional<job::Generation> newest;  // as the job has it
  };

  void on(const GenerationStored& stored) {
    auto& life = jobs_[stored.job];
    auto& highest = life.highest_stored[stored.fence];
    highest = std::max(highest, stored.sequence);
    // One that is not whole promises nothing; P3 says what is wrong with it.
    if (stored.whole && stored.step) life.saved[{stored.fence, stored.sequence}] = {*stored.step, false};
  }

  void lost(const JobName& job, const job::Generation& generation) { jobs_[job].saved.erase(generation); }

  // A clean-up excuses nothing, unless a newer one that holds as much is there.
  void removed(const JobName& job, const job::Generation& generation) {
    auto& saved = jobs_[job].saved;
    const auto found = saved.find(generation);
    if (found == saved.end()) return;
    const bool covered = std::any_of(std::next(found), saved.end(), [&](const auto& newer) {
      return newer.second.promised && newer.second.step >= found->second.step;
    });
    if (covered || !found->second.promised) saved.erase(found);
  }

  static void promise(Life& life, const job::Generation& generation) {
    if (const auto found = life.saved.find(generation); found != life.saved.end()) found->second.promised = true;
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
      violated(at, fmt::format("{}: generation {}-{} was announced, but was never in the store", decided.job.value,
                               generation.fence.value, generation.sequence));
    if (decided.after->last_generation != generation)
      violated(at, fmt::format("{}: generation {}-{} was announced, and the job does not have it", decided.job.value,
                               generation.fence.value, generation.sequence));
    promise(life, generation);
  }

  void on(Instant at, const ProgramBegan& began) {
    const auto found = jobs_.find(began.job);
    if (found == jobs_.end()) return;
    const std::uint64_t step = began.found.step.value_or(0);
    const auto& all = found->second.saved;
    for (auto it = all.rbegin(); it != all.rend(); ++it) {
      const auto& [generation, saved] = *it;
      if (generation.fence >= began.fence || !saved.promised || saved.step <= step) continue;
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
