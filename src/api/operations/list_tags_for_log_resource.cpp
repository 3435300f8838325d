// ListTagsForResource, which came after ListTagsLogGroup.
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void list_tags_for_log_resource(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::list_tags_for_log_resource_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  auto group = tagged_group(call);
  if (!group) return answer(tl::unexpected(group.error()));
  answer(dump({{"tags", group->tags}}));
}

}  // namespace holdfast::api::operations
