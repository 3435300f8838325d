// Ends a job at its user's wish: answered once the decision is durable.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/training_job.hpp"

namespace holdfast::api::operations {

namespace {

ApiError refusal(ports::JobStore& store, const JobName& name) {
  const auto stored = store.find(name);
  if (!stored) return to_api_error(stored.error());
  return validation(fmt::format("The request was rejected because the training job is in status {}.",
                                to_string(job::primary_status(stored->job))));
}

}  // namespace

void stop_training_job(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::stop_training_job_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  JobName name{call.request.at("TrainingJobName").get<std::string>()};
  auto done = [&store = call.backends.store, name, answer = std::move(answer)](Result<engine::Receipt> receipt) {
    if (!receipt) return answer(tl::unexpected(to_api_error(receipt.error())));
    if (!receipt->applied) return answer(tl::unexpected(refusal(store, name)));
    answer(std::string());  // StopTrainingJob has no output
  };
  call.backends.engine.submit(std::move(name), {job::StopRequested{}}, std::move(done));
}

}  // namespace holdfast::api::operations
