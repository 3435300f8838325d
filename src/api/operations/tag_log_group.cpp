#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void tag_log_group(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::tag_log_group_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  add_tags(call, group_of(call), answer);
}

}  // namespace holdfast::api::operations
