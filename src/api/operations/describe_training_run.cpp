// What SageMaker does not tell: the attempts, where the time and the money went, and everything that happened.
#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/training_job.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxHistory = 10'000;  // the newest events; a long job saves checkpoint after checkpoint

json ledger_of(const job::Accounts& accounts) {
  const auto in_seconds = [](std::int64_t ms) { return static_cast<double>(ms) / 1000.0; };
  return {{"Waiting", in_seconds(accounts.waiting_ms)},     {"Starting", in_seconds(accounts.starting_ms)},
          {"Restoring", in_seconds(accounts.restoring_ms)}, {"Training", in_seconds(accounts.training_ms)},
          {"Lost", in_seconds(accounts.lost_ms)},           {"Saving", in_seconds(accounts.saving_ms)},
          {"Stopping", in_seconds(accounts.stopping_ms)}};
}

// Times of two clocks: the agent's figures, and when the last generation was heard of, by the service.
json safety_of(const CheckpointSafety& safety, const job::Attempt& attempt, Instant now) {
  const auto since = attempt.saved ? attempt.saved : attempt.program_since;
  json j = {{"Time", to_wire_time(safety.at)},
            {"AgeInSeconds", since ? static_cast<double>(std::max<std::int64_t>((now - *since).count(), 0)) / 1000.0
                                   : safety.age_seconds},
            {"BytesAtRisk", safety.bytes_at_risk}};
  if (safety.upload_bytes_per_second) j["UploadBytesPerSecond"] = *safety.upload_bytes_per_second;
  if (safety.seconds_to_safe) j["SecondsToSafe"] = *safety.seconds_to_safe;
  return j;
}

json history_of(const std::vector<std::pair<Instant, std::string>>& events) {
  json list = json::array();
  for (std::size_t i = events.size() - std::min(events.size(), kMaxHistory); i < events.size(); ++i) {
    const auto& [at, text] = events[i];
    list.push_back({{"Time", to_wire_time(at)}, {"Event", json::parse(text, nullptr, false)}});
  }
  return list;
}

}  // namespace

void describe_training_run(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::describe_training_job_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const JobName name{call.request.at("TrainingJobName").get<std::string>()};
  const auto stored = call.backends.store.find(name);
  if (!stored) return answer(tl::unexpected(to_api_error(stored.error())));
  const auto events = call.backends.store.history(name);
  if (!events) return answer(tl::unexpected(to_api_error(events.error())));
  const job::Job& job = stored->job;
  json run = {{"State", job::state_name(job.state)},
              {"Attempts", job.attempts},
              {"Interruptions", job.interruptions},
              {"LedgerInSeconds", ledger_of(job.accounts)},
              {"CostInDollars", static_cast<double>(job.accounts.cost) / 1e6},
              {"History", history_of(*events)}};
  if (job.last_generation) {
    run["LastGeneration"] = {{"Fence", job.last_generation->fence.value}, {"Sequence", job.last_generation->sequence}};
  }
  const auto now = call.backends.clock.now();
  const auto* attempt = job::current_attempt(job);
  const auto safety = attempt ? call.backends.counters.checkpoints().of(name, attempt->fence, now) : std::nullopt;
  if (safety) run["CheckpointSafety"] = safety_of(*safety, *attempt, now);
  answer(dump(run));
}

}  // namespace holdfast::api::operations
