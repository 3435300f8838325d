// UntagResource, which came after UntagLogGroup.
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void untag_log_resource(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::untag_log_resource_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  auto group = tagged_group(call);
  if (!group) return answer(tl::unexpected(group.error()));
  for (const auto& key : call.request.at("tagKeys")) group->tags.erase(key.get<std::string>());
  if (auto set = set_tags(call, *group); !set) return answer(tl::unexpected(set.error()));
  answer(std::string());
}

}  // namespace holdfast::api::operations
