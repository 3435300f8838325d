// Removes tags from a resource; keys that it does not have are no mistake.
#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/operations/tagged_resource.hpp"
#include "api/rules.hpp"
#include "api/shapes/tagging.hpp"
#include "api/tag_change.hpp"

namespace holdfast::api::operations {

void delete_tags(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::delete_tags_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto resource = tagged_resource(call.backends, call.request.at("ResourceArn"));
  if (!resource) return answer(tl::unexpected(resource.error()));
  auto keys = call.request.at("TagKeys").get<std::vector<std::string>>();
  for (const auto& key : keys) {
    if (auto refusal = refuse_changed_instruction(*resource, key)) return answer(tl::unexpected(validation(*refusal)));
  }
  change_tags(
      call.backends, *resource,
      [keys = std::move(keys)](const ports::Tags& before) -> Result<ports::Tags> { return without_tags(before, keys); },
      [answer = std::move(answer)](const tl::expected<ports::Tags, ApiError>& changed) {
        if (!changed) return answer(tl::unexpected(changed.error()));
        answer(std::string("{}"));
      });
}

}  // namespace holdfast::api::operations
