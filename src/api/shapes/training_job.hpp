// The inputs of the training job operations, every member of SageMaker's model. Where ours differ (newer limits,
// members refused with advice), tests/api/test_rules_model.cpp says how and why.
#pragma once

#include "api/rules.hpp"

namespace holdfast::api::shapes {

const Shape& create_training_job_input();
const Shape& describe_training_job_input();
const Shape& list_training_jobs_input();
const Shape& stop_training_job_input();
const Shape& update_training_job_input();
const Shape& delete_training_job_input();

}  // namespace holdfast::api::shapes
