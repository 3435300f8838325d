// Changes what a running job says of profiling and debugging. Nothing here does either, so it is kept and shown.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/training_job.hpp"
#include "api/shapes/training_job_rules.hpp"
#include "api/without_nulls.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

Result<ports::Origin> updated(const ports::StoredJob& stored, const json& update) {
  const auto status = job::primary_status(stored.job);
  if (status != job::Primary::InProgress)
    return fail(Kind::invalid, "The request was rejected because the training job is in status {}.", to_string(status));
  json request = json::parse(stored.origin.request);
  // Members of the configuration that are not given stay as they are.
  if (update.contains("ProfilerConfig")) request["ProfilerConfig"].update(update["ProfilerConfig"]);
  if (update.contains("ProfilerRuleConfigurations"))
    request["ProfilerRuleConfigurations"] = update["ProfilerRuleConfigurations"];
  if (update.contains("RemoteDebugConfig")) request["RemoteDebugConfig"] = update["RemoteDebugConfig"];
  return ports::Origin{dump(request), stored.origin.tags};
}

}  // namespace

void update_training_job(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::update_training_job_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  json update = without_nulls(call.request);
  if (auto refusal = shapes::refuse_nul(update)) return answer(tl::unexpected(validation(*refusal)));
  if (update.contains("ResourceConfig")) {
    return answer(
        tl::unexpected(validation("ResourceConfig.KeepAlivePeriodInSeconds cannot be updated: there are no warm pools "
                                  "here, so no instance is kept for another job. Leave it out.")));
  }
  JobName name{update.at("TrainingJobName").get<std::string>()};
  // Its ARN is as old as the job, so it may be read before the change.
  const auto stored = call.backends.store.find(name);
  if (!stored) return answer(tl::unexpected(to_api_error(stored.error())));
  call.backends.engine.amend(
      std::move(name), [update = std::move(update)](const ports::StoredJob& job) { return updated(job, update); },
      [arn = stored->job.spec->arn, answer = std::move(answer)](const Result<void>& done) {
        if (!done) return answer(tl::unexpected(to_api_error(done.error())));
        answer(dump({{"TrainingJobArn", arn}}));
      });
}

}  // namespace holdfast::api::operations
