// Tags of a job that say how its checkpoints are kept; what CreateTrainingJob has no member for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "job/spec.hpp"

namespace holdfast::api::shapes {

constexpr std::string_view kCheckpointMarkersTag = "holdfast:checkpoint-markers";      // "on", "off"
constexpr std::string_view kCheckpointBandwidthTag = "holdfast:checkpoint-bandwidth";  // MB/s, "12.5"
constexpr double kLeastBandwidth = 0.1, kMostBandwidth = 1'000'000;                    // MB/s

bool is_checkpoint_tag(std::string_view key);
// Of such a tag: why its value cannot be used.
std::optional<std::string> refuse_checkpoint_tag(std::string_view key, std::string_view value);
// What it says; one that is refused says nothing.
void read_checkpoint_tag(job::JobSpec& spec, std::string_view key, std::string_view value);

}  // namespace holdfast::api::shapes
