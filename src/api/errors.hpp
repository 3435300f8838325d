// Every answer on the wire that is not a success is made here, so that codes, statuses and wording stay SageMaker's
// own.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::api {

struct ApiError {
  int status = 400;  // HTTP
  std::string code;
  std::string message;
  bool operator==(const ApiError&) const = default;
};

// The request.
ApiError validation(std::string message);
ApiError serialization(std::string message);  // not JSON, or a JSON type that the member does not have
ApiError unknown_operation();
ApiError request_too_large(std::size_t limit_bytes);

// The resource.
ApiError resource_in_use(std::string_view training_job_arn);  // the name is taken
ApiError still_in_use(std::string message);                   // it cannot be deleted now
// `quota` as the console names it: "ml.p2.xlarge for spot training job usage".
ApiError resource_limit_exceeded(std::string_view quota, int limit, int used, int asked);
ApiError resource_not_found(std::string message);
// What DescribeTrainingJob really answers for a missing job; waiters of clients depend on it.
ApiError requested_resource_not_found();

// Who asks.
ApiError access_denied(std::string message);
// As IAM says it: `action` is "sagemaker:CreateTrainingJob".
ApiError not_authorized(std::string_view key_name, std::string_view action, std::string_view resource);
ApiError missing_authentication_token();
ApiError incomplete_signature(std::string message);
ApiError invalid_signature(std::string message);
ApiError unrecognized_client();
ApiError expired_token();

// Us. Clients repeat all three by themselves.
ApiError throttling();
ApiError internal_failure();  // says nothing of the cause: that belongs in the log
ApiError service_unavailable(std::string message);

// The body of an AWS JSON error. Always valid JSON, whatever bytes the message quotes.
std::string to_json(const ApiError& error);

}  // namespace holdfast::api
