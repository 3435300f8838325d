// Which jobs a request is about, as far as its key's policy is concerned. A request has not been checked by then: one
// that names nothing sensible is about the whole account, and what is wrong with it the operation says.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/access.hpp"

namespace holdfast::api {

// TrainingJobName.
Touches the_job(const nlohmann::json& request);
// ResourceArn, where it is a training job's.
Touches the_tagged_job(const nlohmann::json& request);
// The operation itself leaves out what the caller may not see.
Touches what_one_may_see(const nlohmann::json& request);
// The jobs of all streams that are named, by name or by prefix; where none is, the operation leaves out what the caller
// may not see. Another group than the trainings' is for the account.
Touches the_streams_jobs(const nlohmann::json& request);
// The jobs of all metrics that are asked for; one without the dimension of a job is for the account.
Touches the_metrics_jobs(const nlohmann::json& request);

}  // namespace holdfast::api
