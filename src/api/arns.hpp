// Names of resources as ARNs: arn:aws:sagemaker:<region>:<account>:<type>/<name>.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "api/errors.hpp"

namespace holdfast::api {

constexpr std::string_view kTrainingJobType = "training-job";
constexpr std::string_view kAlgorithmType = "algorithm";

struct Place {
  std::string_view account;  // 12 digits
  std::string_view region;
};

struct ResourceName {
  std::string type;
  std::string name;
};

std::string make_arn(const Place& place, std::string_view type, std::string_view name);

// The parts of an ARN that has the form of one. A ValidationException: another region's. Another account's names
// nothing here: `type` is empty then.
[[nodiscard]] tl::expected<ResourceName, ApiError> read_arn(std::string_view arn, const Place& place);

}  // namespace holdfast::api
