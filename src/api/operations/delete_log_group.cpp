#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void delete_log_group(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::delete_log_group_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto group = group_of(call);
  if (!group) return answer(tl::unexpected(group.error()));
  if (group->name == ports::kTrainingLogGroup) {
    return answer(tl::unexpected(invalid_parameter(
        fmt::format("The log group {} belongs to the training jobs and cannot be deleted. Delete its streams, or set "
                    "a retention with PutRetentionPolicy.",
                    group->name))));
  }
  const auto gone = call.backends.logs.delete_group(group->name);
  if (!gone) return answer(tl::unexpected(group_failure(gone.error())));
  answer(std::string());
}

}  // namespace holdfast::api::operations
