// Adds tags to a resource, or gives those that are there new values; answers with all of them.
#include <nlohmann/json.hpp>

#include "api/operations/operations.hpp"
#include "api/operations/tagged_resource.hpp"
#include "api/rules.hpp"
#include "api/shapes/algorithm_rules.hpp"
#include "api/shapes/tag_rules.hpp"
#include "api/shapes/tagging.hpp"
#include "api/tag_change.hpp"

namespace holdfast::api::operations {

namespace {

std::optional<std::string> refuse_tags(const ResourceName& resource, const nlohmann::json& tags) {
  if (auto refusal = shapes::refuse_repeated_keys(tags)) return refusal;
  for (const auto& tag : tags) {
    const std::string key = tag.at("Key");
    if (auto refusal = refuse_changed_instruction(resource, key)) return refusal;
    if (auto refusal = resource.type == kAlgorithmType ? shapes::refuse_algorithm_tag(key, tag.at("Value"))
                                                       : shapes::refuse_reserved_key(key))
      return refusal;
  }
  return {};
}

}  // namespace

void add_tags(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::add_tags_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto resource = tagged_resource(call.backends, call.request.at("ResourceArn"));
  if (!resource) return answer(tl::unexpected(resource.error()));
  const auto& tags = call.request.at("Tags");
  if (auto refusal = refuse_tags(*resource, tags)) return answer(tl::unexpected(validation(*refusal)));
  change_tags(
      call.backends, *resource,
      [added = read_tags(tags)](const ports::Tags& before) { return with_tags(before, added); },
      [answer = std::move(answer)](const tl::expected<ports::Tags, ApiError>& changed) {
        if (!changed) return answer(tl::unexpected(changed.error()));
        answer(dump({{"Tags", to_json(*changed)}}));
      });
}

}  // namespace holdfast::api::operations
