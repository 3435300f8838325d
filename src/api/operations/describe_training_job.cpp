// The request as it was accepted, and beside it what became of it.
#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/training_job.hpp"
#include "api/training_job_description.hpp"

namespace holdfast::api::operations {

void describe_training_job(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::describe_training_job_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const JobName name{call.request.at("TrainingJobName").get<std::string>()};
  const auto stored = call.backends.store.find(name);
  if (!stored) return answer(tl::unexpected(to_api_error(stored.error())));
  auto described = description_text(*stored, call.backends.telemetry);
  if (!described) return answer(tl::unexpected(to_api_error(described.error())));
  answer(std::move(*described));
}

}  // namespace holdfast::api::operations
