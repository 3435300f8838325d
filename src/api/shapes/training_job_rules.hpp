// The rules between the fields of a CreateTrainingJob, and what this service cannot do yet.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api::shapes {

// SageMaker's own: 28 days.
constexpr std::int64_t kMaxRuntimeSeconds = std::int64_t{28} * 24 * 3600;

constexpr std::string_view kWorkingDirectoryTag = "holdfast:working-directory";

// The message of the first rule that is broken. `request` passed the rules of its fields, has no nulls and all
// defaults.
std::optional<std::string> refuse_training_job(const nlohmann::json& request);

// Parts that algorithms have as well: an image that cannot run here, a regular expression that cannot be used, and a
// U+0000 in any string.
std::optional<std::string> refuse_training_image(const std::string& image);
std::optional<std::string> refuse_metric_definitions(const nlohmann::json& definitions);
std::optional<std::string> refuse_nul(const nlohmann::json& request);

}  // namespace holdfast::api::shapes
