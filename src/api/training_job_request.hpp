// From the body of a CreateTrainingJob to a job that can run: the one place where a JobSpec is made.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "api/errors.hpp"
#include "job/spec.hpp"
#include "ports/algorithm_store.hpp"

namespace holdfast::api {

struct RequestContext {
  std::string account;  // 12 digits
  std::string region;
  // By ARN or name, or the wire error that says what is wrong with that. Null: there are no algorithms.
  std::function<tl::expected<ports::Algorithm, ApiError>(const std::string& arn_or_name)> find_algorithm = {};
};

struct NewTrainingJob {
  job::JobSpec spec;
  // The request as DescribeTrainingJob echoes it: with SageMaker's defaults, without Tags and without nulls.
  std::string request_json;
  std::vector<std::pair<std::string, std::string>> tags;  // in the order given
};

// Types, then the rules of each field, then the rules between fields, then what this service cannot do: each a
// wire error that says what to change. Whether the name is free, the image and the buckets exist is not asked here.
[[nodiscard]] tl::expected<NewTrainingJob, ApiError> make_training_job(const nlohmann::json& request,
                                                                       const RequestContext& context);

}  // namespace holdfast::api
