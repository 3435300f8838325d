#include "api/operations/tagged_resource.hpp"

#include <fmt/format.h>

#include "api/operations/algorithm_lookup.hpp"
#include "api/shapes/tag_rules.hpp"

namespace holdfast::api {

namespace {

bool is_job(const ResourceName& resource) { return resource.type == kTrainingJobType; }

void change_tags_of_job(const Backends& backends, const std::string& name, TagChange change, TagsReply reply) {
  // Shared between the change and the reply, which both run on the engine's thread, one after the other.
  const auto changed = std::make_shared<ports::Tags>();
  backends.engine.amend(
      JobName{name},
      [change = std::move(change), changed](const ports::StoredJob& stored) -> Result<ports::Origin> {
        auto tags = change(stored.origin.tags);
        if (!tags) return fail(tags.error());
        *changed = *tags;
        return ports::Origin{stored.origin.request, std::move(*tags)};
      },
      [changed, reply = std::move(reply)](const Result<void>& done) {
        if (!done) return reply(tl::unexpected(to_api_error(done.error())));
        reply(std::move(*changed));
      });
}

}  // namespace

tl::expected<ResourceName, ApiError> tagged_resource(const Backends& backends, const std::string& arn) {
  auto resource = read_arn(arn, {backends.account, backends.region});
  if (!resource) return resource;
  if (is_job(*resource) || resource->type == kAlgorithmType) return resource;
  return tl::unexpected(validation(fmt::format(
      "ResourceArn '{}' names no training job and no algorithm of this account: only those have tags here.", arn)));
}

tl::expected<ports::Tags, ApiError> tags_of(const Backends& backends, const ResourceName& resource) {
  if (is_job(resource)) {
    auto stored = backends.store.find(JobName{resource.name});
    if (!stored) return tl::unexpected(to_api_error(stored.error()));
    return std::move(stored->origin.tags);
  }
  auto algorithm = find_algorithm(backends, resource.name);
  if (!algorithm) return tl::unexpected(algorithm.error());
  return std::move(algorithm->tags);
}

void change_tags(const Backends& backends, const ResourceName& resource, TagChange change, TagsReply reply) {
  if (is_job(resource)) return change_tags_of_job(backends, resource.name, std::move(change), std::move(reply));
  auto changed = backends.algorithms.change_tags(resource.name, change);
  if (changed) return reply(std::move(*changed));
  const bool missing = changed.error().kind == Kind::not_found;
  reply(tl::unexpected(missing ? no_such_algorithm(backends, resource.name) : to_api_error(changed.error())));
}

std::optional<std::string> refuse_changed_instruction(const ResourceName& resource, const std::string& key) {
  if (!is_job(resource) || !shapes::is_instruction(key)) return {};
  return fmt::format(
      "Tag '{}' is an instruction to this service, given when the training job is created: it cannot be changed "
      "afterwards.",
      key);
}

}  // namespace holdfast::api
