// A training's own stream may be deleted once its job is over.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"
#include "job/summary.hpp"

namespace holdfast::api::operations {

namespace {

CheckedLogs<void> refuse_live_job(const Call& call, const std::string& stream) {
  const JobName name{stream.substr(0, stream.find('/'))};
  const auto stored = call.backends.store.find(name);
  if (!stored && stored.error().kind == Kind::not_found) return {};
  if (!stored) return tl::unexpected(to_api_error(stored.error()));
  const auto primary = job::summarize(stored->job).primary;
  if (primary != job::Primary::InProgress && primary != job::Primary::Stopping) return {};
  return tl::unexpected(
      ApiError{400, "OperationAbortedException",
               fmt::format("The training job {} still writes to this log stream. Stop the job, or wait "
                           "for its end, and then delete the stream.",
                           name.value)});
}

}  // namespace

void delete_log_stream(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::delete_log_stream_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto group = group_of(call);
  if (!group) return answer(tl::unexpected(group.error()));
  const std::string stream = call.request.at("logStreamName");
  if (group->name == ports::kTrainingLogGroup) {
    if (auto allowed = refuse_live_job(call, stream); !allowed) return answer(tl::unexpected(allowed.error()));
  }
  if (const auto gone = call.backends.logs.delete_stream(group->name, stream); !gone)
    return answer(tl::unexpected(log_failure(gone.error())));
  answer(std::string());
}

}  // namespace holdfast::api::operations
