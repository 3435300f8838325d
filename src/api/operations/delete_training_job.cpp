// An ended job with its logs and metrics; what it wrote to S3 stays, and its name may be used again.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/training_job.hpp"
#include "base/log.hpp"

namespace holdfast::api::operations {

namespace {

ApiError refusal(const Error& error, const JobName& name) {
  if (error.kind == Kind::not_found) return resource_not_found("Requested resource not found.");
  if (error.kind != Kind::conflict) return to_api_error(error);
  return still_in_use(fmt::format("The training job '{}' cannot be deleted now: {}. Repeat the request later.",
                                  name.value, error.message));
}

}  // namespace

void delete_training_job(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::delete_training_job_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const JobName name{call.request.at("TrainingJobName").get<std::string>()};
  // On the engine's thread, after the commit and before a job of the same name can be created: its logs are not ours.
  auto done = [&telemetry = call.backends.telemetry, name, answer = std::move(answer)](const Result<void>& removed) {
    if (!removed) return answer(tl::unexpected(refusal(removed.error(), name)));
    if (const auto gone = telemetry.remove(name); !gone) log_warn("{}", gone.error().message);
    answer(std::string());  // DeleteTrainingJob has no output
  };
  call.backends.engine.remove(name, std::move(done));
}

}  // namespace holdfast::api::operations
