// What the two operations of CloudWatch Logs share: the one group there is, and their errors.
#pragma once

#include <string>
#include <string_view>

#include "api/errors.hpp"

namespace holdfast::api::operations {

constexpr std::string_view kTrainingLogGroup = "/aws/sagemaker/TrainingJobs";

inline ApiError no_such_log_group() {
  return {400, "ResourceNotFoundException", "The specified log group does not exist."};
}
inline ApiError no_such_log_stream() {
  return {400, "ResourceNotFoundException", "The specified log stream does not exist."};
}
// Logs has a name of its own for what SageMaker calls a ValidationException.
inline ApiError invalid_parameter(std::string message) {
  return {400, "InvalidParameterException", std::move(message)};
}
inline ApiError in_words_of_logs(ApiError error) {
  if (error.code == "ValidationException") error.code = "InvalidParameterException";
  return error;
}

}  // namespace holdfast::api::operations
