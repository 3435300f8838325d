#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void untag_log_group(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::untag_log_group_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  remove_tags(call, group_of(call), call.request.at("tags"), answer);
}

}  // namespace holdfast::api::operations
