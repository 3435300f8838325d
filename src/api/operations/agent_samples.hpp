// How much of its instance an agent's program uses, and how safe its checkpoints are: the third part of its report.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "api/errors.hpp"
#include "api/live_checkpoints.hpp"
#include "base/ids.hpp"
#include "ports/control_link.hpp"
#include "ports/metrics.hpp"

namespace holdfast::api::operations {

// Of a report's Samples; ValidationException for what no agent of ours sends.
tl::expected<std::vector<ports::InstanceSample>, ApiError> samples_of(const nlohmann::json& report);

// Into the metric store, for the host of the job's program. A sample that is not newer than the newest one of the job's
// has no effect, so a repeated report does no harm.
Result<void> keep_samples(ports::MetricStore& metrics, const JobName& job, Fence fence,
                          const std::vector<ports::InstanceSample>& samples);

// Those of them that are about checkpoints, for whoever asks now.
void note_checkpoints(LiveCheckpoints& checkpoints, const JobName& job, Fence fence,
                      const std::vector<ports::InstanceSample>& samples, Instant now);

}  // namespace holdfast::api::operations
