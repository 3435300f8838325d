#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void list_tags_log_group(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::list_tags_log_group_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto group = group_of(call);
  if (!group) return answer(tl::unexpected(group.error()));
  answer(dump({{"tags", group->tags}}));
}

}  // namespace holdfast::api::operations
