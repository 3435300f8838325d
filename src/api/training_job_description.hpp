// A training job in the words of DescribeTrainingJob: the request as it was accepted, and what became of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.hpp"
#include "ports/job_store.hpp"
#include "ports/telemetry.hpp"

namespace holdfast::api {

// What became of it: statuses, times, transitions, the place of its model; without its metrics.
nlohmann::json describe_outcome(const job::Job& job);
// FinalMetricDataList of an ended job; it may be empty.
nlohmann::json describe_metrics(const JobName& name, ports::Telemetry& telemetry);
// All of it. Kind::permanent: what is stored is not ours.
Result<nlohmann::json> describe_job(const ports::StoredJob& stored, ports::Telemetry& telemetry);
// The same as DescribeTrainingJob answers it: the stored request as it is and the rest beside it. Clients poll, and
// taking the request apart to put it together again costs more than all the rest.
Result<std::string> description_text(const ports::StoredJob& stored, ports::Telemetry& telemetry);

}  // namespace holdfast::api
