// The rules between the fields of a CreateAlgorithm, and what this service cannot do.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api::shapes {

// "true" on an algorithm whose program saves checkpoints and goes on from them: see api/algorithm_use.hpp.
constexpr std::string_view kCheckpointsTag = "holdfast:checkpoints";

// The message of the first rule that is broken. `request` passed the rules of its fields and has no nulls.
std::optional<std::string> refuse_algorithm(const nlohmann::json& request);

// One tag of an algorithm.
std::optional<std::string> refuse_algorithm_tag(const std::string& key, const std::string& value);

}  // namespace holdfast::api::shapes
