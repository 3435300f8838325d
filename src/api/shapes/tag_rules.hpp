// The rules for tags that hold for every resource.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api::shapes {

// What SageMaker's request has no field for is a tag of ours.
constexpr std::string_view kTagPrefix = "holdfast:";
constexpr std::size_t kMaxTags = 50;

// Begins with kTagPrefix, whatever the case of its letters.
bool is_instruction(std::string_view key);
std::optional<std::string> refuse_reserved_key(const std::string& key);
// `tags`: a list of structures with a Key.
std::optional<std::string> refuse_repeated_keys(const nlohmann::json& tags);

}  // namespace holdfast::api::shapes
