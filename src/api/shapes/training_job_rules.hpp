// The rules between the fields of a CreateTrainingJob, and what this service cannot do yet.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "api/training_job_request.hpp"

namespace holdfast::api::shapes {

// SageMaker's own: 28 days, and one hour of waiting for an algorithm that cannot checkpoint.
constexpr std::int64_t kMaxRuntimeSeconds = std::int64_t{28} * 24 * 3600;
constexpr std::int64_t kMaxWaitSecondsWithoutCheckpoints = 3600;

// What SageMaker's request has no field for is a tag of ours.
constexpr std::string_view kTagPrefix = "holdfast:";
constexpr std::string_view kWorkingDirectoryTag = "holdfast:working-directory";

// The message of the first rule that is broken. `request` passed the rules of its fields, has no nulls and all
// defaults.
std::optional<std::string> refuse_training_job(const nlohmann::json& request, const RequestContext& context);

}  // namespace holdfast::api::shapes
