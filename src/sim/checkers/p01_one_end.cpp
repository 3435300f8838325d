// P1: an accepted job is never lost and ends exactly once; what Describe says is what is stored.
#include <fmt/format.h>

#include <deque>
#include <map>
#include <string>

#include "base/overload.hpp"
#include "sim/checkers/checkers.hpp"

namespace holdfast::sim::checkers {

namespace {

using job::Secondary;

// TrainingJobStatus as it must read for what is stored, written down once more on purpose.
const char* expected_status(const job::Job& job) {
  if (const auto* ended = std::get_if<job::Ended>(&job.state)) {
    switch (ended->status) {
      case Secondary::Completed:
        return "Completed";
      case Secondary::Failed:
        return "Failed";
      default:
        return "Stopped";
    }
  }
  return std::holds_alternative<job::Stopping>(job.state) ? "Stopping" : "InProgress";
}

bool status_fits_state(const job::Job& job) {
  const Secondary shown = job.transitions.back().status;
  const auto one_of = [&](auto... allowed) { return ((shown == allowed) || ...); };
  return std::visit(Overload{[&](const job::Waiting&) { return one_of(Secondary::Starting, Secondary::Interrupted); },
                             [&](const job::Launching&) { return one_of(Secondary::Starting); },
                             [&](const job::Downloading&) { return one_of(Secondary::Downloading); },
                             [&](const job::Training&) { return one_of(Secondary::Training); },
                             [&](const job::Uploading&) { return one_of(Secondary::Uploading); },
                             [&](const job::Stopping&) { return one_of(Secondary::Stopping, Secondary::Uploading); },
                             [&](const job::Ended& ended) {
                               return one_of(ended.status) &&
                                      one_of(Secondary::Completed, Secondary::Failed, Secondary::Stopped,
                                             Secondary::MaxRuntimeExceeded, Secondary::MaxWaitTimeExceeded);
                             }},
                    job.state);
}

class OneEnd final : public Checker {
 public:
  OneEnd() : Checker("P1") {}

  void see(const Record& record) override {
    std::visit(Overload{[&](const Accepted& r) { on(record.at, r); }, [&](const Decided& r) { on(record.at, r); },
                        [&](const Described& r) { on(record.at, r); }, [](const auto&) {}},
               record.what);
  }

  void finish(const Ending& ending) override {
    std::map<JobName, const FinalJob*> there;
    for (const auto& final_job : ending.jobs) {
      if (!there.emplace(final_job.job, &final_job).second)
        violated(ending.at, fmt::format("{} is in the store twice", final_job.job.value));
    }
    for (const auto& [name, life] : lives_) {
      const auto found = there.find(name);
      if (found == there.end() || !found->second->stored) {
        violated(ending.at,
                 fmt::format("{} was {}, but is not in the store", name.value, life.accepted ? "accepted" : "created"));
        continue;
      }
      judge_end(ending, name, life, *found->second->stored);
      there.erase(found);
    }
    for (const auto& [name, final_job] : there)
      violated(ending.at, fmt::format("{} is in the store, but nobody ever decided to create it", name.value));
  }

 private:
  static constexpr std::size_t kShownKept = 32;
  struct Shown {
    std::string what;
    Instant since;
  };
  struct Life {
    std::shared_ptr<const job::Job> stored;
    bool accepted = false;
    std::deque<Shown> shown;  // the newest last
  };

  void on(Instant at, const Accepted& accepted) {
    auto& life = lives_[accepted.job];
    if (!life.stored) violated(at, fmt::format("{} was accepted before it was stored", accepted.job.value));
    if (std::exchange(life.accepted, true))
      violated(at, fmt::format("{} was accepted twice: the second must be a conflict", accepted.job.value));
  }

  void on(Instant at, const Decided& decided) {
    auto& life = lives_[decided.job];
    const std::string& name = decided.job.value;
    const std::uint64_t expected = life.stored ? life.stored->version + 1 : 1;
    if (decided.version != expected)
      violated(at, fmt::format("{}: version {} follows version {}", name, decided.version, expected - 1));
    if (decided.after->version != decided.version)
      violated(at,
               fmt::format("{}: stored as version {}, decided as {}", name, decided.after->version, decided.version));
    if (decided.event.has_value() == !life.stored)
      violated(at, fmt::format("{}: version {} was decided {} an event", name, decided.version,
                               decided.event ? "on" : "without"));
    if (decided.after->retries > decided.after->spec->max_retries)
      violated(at, fmt::format("{}: was retried {} times, and RetryStrategy allows {}", name, decided.after->retries,
                               decided.after->spec->max_retries));
    if (!status_fits_state(*decided.after))
      violated(at, fmt::format("{}: shows {} in state {}", name, to_string(secondary_status(*decided.after)),
                               state_name(decided.after->state)));
    if (life.stored) judge_end_kept(at, name, *life.stored, *decided.after);
    life.stored = decided.after;
    note_shown(at, life);
  }

  // Once ended a job stays as it ended.
  void judge_end_kept(Instant at, const std::string& name, const job::Job& before, const job::Job& after) {
    const auto* was = std::get_if<job::Ended>(&before.state);
    if (!was) return;
    const auto* is = std::get_if<job::Ended>(&after.state);
    if (!is) {
      violated(
          at, fmt::format("{} had ended as {} and is {} again", name, to_string(was->status), state_name(after.state)));
    } else if (is->status != was->status || is->failure_reason != was->failure_reason) {
      violated(at, fmt::format("{} had ended as {} and ends again as {}", name, to_string(was->status),
                               to_string(is->status)));
    }
  }

  // What Describe says was so at some moment between the question and the answer.
  void on(Instant at, const Described& described) {
    auto& life = lives_[described.job];
    const std::string told = described.status + "/" + described.secondary;
    if (!life.stored) return violated(at, fmt::format("{} was described before it was stored", described.job.value));
    const Instant asked = described.asked.value_or(Instant::min());
    for (auto shown = life.shown.rbegin(); shown != life.shown.rend(); ++shown) {
      if (shown->what == told) return;
      if (shown->since <= asked) break;  // the ones before were over when it was asked
      if (std::next(shown) == life.shown.rend() && life.shown.size() == kShownKept) return;  // too long ago to tell
    }
    violated(at, fmt::format("{} was described as {}, but was stored as {}", described.job.value, told,
                             life.shown.back().what));
  }

  void note_shown(Instant at, Life& life) {
    auto what = fmt::format("{}/{}", expected_status(*life.stored), to_string(secondary_status(*life.stored)));
    if (!life.shown.empty() && life.shown.back().what == what) return;
    if (life.shown.size() == kShownKept) life.shown.pop_front();
    life.shown.push_back({std::move(what), at});
  }

  void judge_end(const Ending& ending, const JobName& name, const Life& life, const job::Job& stored) {
    if (!life.stored) return;  // said above
    if (stored.version != life.stored->version || stored.state.index() != life.stored->state.index())
      violated(ending.at, fmt::format("{} is stored as version {}, {}, but version {}, {}, was decided last",
                                      name.value, stored.version, state_name(stored.state), life.stored->version,
                                      state_name(life.stored->state)));
    if (ending.complete && !std::holds_alternative<job::Ended>(stored.state))
      violated(ending.at, fmt::format("{} never ended: it is {}", name.value, state_name(stored.state)));
  }

  std::map<JobName, Life> lives_;
};

}  // namespace

std::unique_ptr<Checker> one_end() { return std::make_unique<OneEnd>(); }

}  // namespace holdfast::sim::checkers
