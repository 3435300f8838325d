// P10: deciding again on what was recorded gives what was stored, also by a service that was started in between: every
// so often the job goes through its stored form and on from there. The one checker that calls decide(): it is about it.
#include <fmt/format.h>

#include <map>
#include <string>

#include "job/codec.hpp"
#include "job/decide.hpp"
#include "sim/checkers/checkers.hpp"
#include "sim/checkers/same_job.hpp"

namespace holdfast::sim::checkers {

namespace {

// Text is slow: all decisions are compared field by field, and one in so many, and the last, as text too.
constexpr std::uint64_t kTextEvery = 64;

class Replay final : public Checker {
 public:
  Replay() : Checker("P10") {}

  void see(const Record& record) override {
    if (const auto* decided = std::get_if<Decided>(&record.what)) on(record.at, *decided);
  }

  void finish(const Ending& ending) override {
    for (const auto& final_job : ending.jobs) {
      const auto found = jobs_.find(final_job.job);
      if (found == jobs_.end() || !final_job.stored) continue;
      judge_log(ending.at, final_job, found->second.version);
      if (job::encode_job(*final_job.stored) != job::encode_job(found->second))
        violated(ending.at, fmt::format("{}: what is stored is not what its events give: {}", final_job.job.value,
                                        difference(*final_job.stored, found->second)));
    }
  }

 private:
  // The log holds one event for each decision but the first, the creation.
  void judge_log(Instant at, const FinalJob& final_job, std::uint64_t version) {
    if (!final_job.log || final_job.log->size() + 1 == version) return;
    violated(at, fmt::format("{}: its log holds {} events, but {} were decided on", final_job.job.value,
                             final_job.log->size(), version - 1));
  }

  void on(Instant at, const Decided& decided) {
    const std::string& name = decided.job.value;
    const auto found = jobs_.find(decided.job);
    if (!decided.event) {
      auto created = job::create(decided.after->spec, decided.decided_at).job;
      judge(at, decided, created);
      jobs_.insert_or_assign(decided.job, std::move(created));
      return;
    }
    if (found == jobs_.end()) return violated(at, fmt::format("{}: was never created", name));
    const bool as_text = decided.version % kTextEvery == 0 || job::is_ended(*decided.after);
    if (as_text) restart(at, name, found->second);
    const auto event = as_text ? job::decode_event(job::encode_event(*decided.event)) : *decided.event;
    if (!event) return violated(at, fmt::format("{}: an event cannot be read back: {}", name, event.error().message));
    auto decision = job::decide(found->second, *event, decided.decided_at);
    if (!decision) {
      violated(at, fmt::format("{}: version {}, {}, is ignored now: {}", name, decided.version,
                               event_name(*decided.event), decision.error().why));
      found->second = *decided.after;
      return;
    }
    // Each difference is said once: what follows is judged from what was stored.
    if (!judge(at, decided, decision->job)) decision->job = *decided.after;
    if (as_text && job::encode_job(*decided.after) != job::encode_job(decision->job))
      violated(at, fmt::format("{}: version {} reads otherwise when it is stored", name, decided.version));
    found->second = std::move(decision->job);
  }

  // As a service that was started anew would have it.
  void restart(Instant at, const std::string& name, job::Job& job) {
    const auto text = job::encode_job(job);
    auto read = job::decode_job(text, job.spec);
    if (!read) return violated(at, fmt::format("{}: cannot be read back: {}", name, read.error().message));
    if (job::encode_job(*read) != text) violated(at, fmt::format("{}: is read back as another", name));
    job = std::move(*read);
  }

  bool judge(Instant at, const Decided& decided, const job::Job& again) {
    const auto what = difference(*decided.after, again);
    if (what.empty()) return true;
    violated(at, fmt::format("{}: version {}, {}, gives another job now: {}", decided.job.value, decided.version,
                             decided.event ? event_name(*decided.event) : "its creation", what));
    return false;
  }

  std::map<JobName, job::Job> jobs_;
};

}  // namespace

std::unique_ptr<Checker> replay() { return std::make_unique<Replay>(); }

}  // namespace holdfast::sim::checkers
