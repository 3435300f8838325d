#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void delete_retention_policy(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::delete_retention_policy_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto group = group_of(call);
  if (!group) return answer(tl::unexpected(group.error()));
  if (const auto set = call.backends.logs.set_retention(group->name, std::nullopt); !set)
    return answer(tl::unexpected(group_failure(set.error())));
  answer(std::string());
}

}  // namespace holdfast::api::operations
