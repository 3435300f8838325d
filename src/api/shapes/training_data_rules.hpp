// Where a training job's data comes from and goes to: channels, output and checkpoints.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace holdfast::api::shapes {

// Each: the message of the first rule that is broken.
std::optional<std::string> refuse_channels(const nlohmann::json& request);
std::optional<std::string> refuse_output(const nlohmann::json& request);
std::optional<std::string> refuse_checkpoint(const nlohmann::json& request);

}  // namespace holdfast::api::shapes
