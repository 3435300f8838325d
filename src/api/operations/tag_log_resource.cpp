// TagResource, which came after TagLogGroup.
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void tag_log_resource(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::tag_log_resource_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  add_tags(call, tagged_group(call), answer);
}

}  // namespace holdfast::api::operations
