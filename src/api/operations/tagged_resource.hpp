// What has tags: training jobs, whose tags the engine writes, and algorithms, whose tags are rows of their own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/arns.hpp"
#include "api/protocol.hpp"
#include "ports/tags.hpp"

namespace holdfast::api {

using TagChange = std::function<Result<ports::Tags>(const ports::Tags&)>;
using TagsReply = std::function<void(tl::expected<ports::Tags, ApiError>)>;

// The resource that an ARN names, by its type: one of those that have tags here. That it exists is not asked.
tl::expected<ResourceName, ApiError> tagged_resource(const Backends& backends, const std::string& arn);

tl::expected<ports::Tags, ApiError> tags_of(const Backends& backends, const ResourceName& resource);
// Durable when `reply` is called with the new tags, perhaps on the engine's thread. A Kind::invalid of `change` becomes
// a ValidationException.
void change_tags(const Backends& backends, const ResourceName& resource, TagChange change, TagsReply reply);

// Instructions to this service that came with a job are a part of what was accepted.
std::optional<std::string> refuse_changed_instruction(const ResourceName& resource, const std::string& key);

}  // namespace holdfast::api
