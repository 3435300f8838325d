// A resource has no more tags than the smallest page that may be asked for, so there is never a second page.
#include <nlohmann/json.hpp>

#include "api/operations/list_request.hpp"
#include "api/operations/operations.hpp"
#include "api/operations/page_token.hpp"
#include "api/operations/tagged_resource.hpp"
#include "api/rules.hpp"
#include "api/shapes/tagging.hpp"
#include "api/tag_change.hpp"

namespace holdfast::api::operations {

void list_tags(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::list_tags_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  if (!text_of(call.request, "NextToken").empty()) return answer(tl::unexpected(wrong_page_token()));
  const auto resource = tagged_resource(call.backends, call.request.at("ResourceArn"));
  if (!resource) return answer(tl::unexpected(resource.error()));
  const auto tags = tags_of(call.backends, *resource);
  if (!tags) return answer(tl::unexpected(tags.error()));
  answer(dump({{"Tags", to_json(*tags)}}));
}

}  // namespace holdfast::api::operations
