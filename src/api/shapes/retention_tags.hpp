// The tags of a job that say which of its checkpoints stay: SageMaker's CheckpointConfig has no place for it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "job/spec.hpp"

namespace holdfast::api::shapes {

constexpr std::string_view kKeepTag = "holdfast:checkpoint-keep";
constexpr std::string_view kKeepEveryTag = "holdfast:checkpoint-keep-every";
constexpr std::string_view kKeepBestTag = "holdfast:checkpoint-keep-best";

bool is_retention_tag(std::string_view key);
// What is wrong with a tag's value, for a job as `request` asks for it.
std::optional<std::string> refuse_retention_tag(const std::string& key, const std::string& value,
                                                 const nlohmann::json& request);
// Of a tag that was not refused.
void read_retention_tag(const std::string& key, const std::string& value, job::Checkpoint& checkpoint);

}  // namespace holdfast::api::shapes
