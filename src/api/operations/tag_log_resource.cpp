// TagResource, which came after TagLogGroup.
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void tag_log_resource(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::tag_log_resource_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  auto group = tagged_group(call);
  if (!group) return answer(tl::unexpected(group.error()));
  for (const auto& [key, value] : call.request.at("tags").items()) group->tags[key] = value.get<std::string>();
  if (auto set = set_tags(call, *group); !set) return answer(tl::unexpected(set.error()));
  answer(std::string());
}

}  // namespace holdfast::api::operations
