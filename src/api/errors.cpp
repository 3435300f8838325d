#include "api/errors.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace holdfast::api {

ApiError validation(std::string message) { return {400, "ValidationException", std::move(message)}; }
ApiError serialization(std::string message) { return {400, "SerializationException", std::move(message)}; }
ApiError unknown_operation() {
  return {400, "UnknownOperationException", "The requested operation is not supported by this service."};
}
ApiError request_too_large(std::size_t limit_bytes) {
  return {413, "RequestEntityTooLargeException", fmt::format("The request body is larger than {} bytes.", limit_bytes)};
}

ApiError resource_in_use(std::string_view training_job_arn) {
  return {
      400, "ResourceInUse",
      fmt::format("Training job names must be unique within an AWS account and region, and a training job with this "
                  "name already exists ({})",
                  training_job_arn)};
}
ApiError still_in_use(std::string message) { return {400, "ResourceInUse", std::move(message)}; }
ApiError resource_limit_exceeded(std::string_view quota, int limit, int used, int asked) {
  return {400, "ResourceLimitExceeded",
          fmt::format("The account-level service limit '{}' is {} Instances, with current utilization of {} Instances "
                      "and a request delta of {} Instances.",
                      quota, limit, used, asked)};
}
ApiError resource_not_found(std::string message) { return {400, "ResourceNotFound", std::move(message)}; }
ApiError requested_resource_not_found() { return validation("Requested resource not found."); }

ApiError access_denied(std::string message) { return {400, "AccessDeniedException", std::move(message)}; }
ApiError not_authorized(std::string_view key_name, std::string_view action, std::string_view resource) {
  return access_denied(fmt::format(
      "User: {} is not authorized to perform: {} on resource: {} because the policy of this access key does not allow "
      "it. `holdfast keys list` shows what each key may do.",
      key_name, action, resource));
}
ApiError missing_authentication_token() {
  return {403, "MissingAuthenticationTokenException", "Missing Authentication Token"};
}
ApiError incomplete_signature(std::string message) { return {400, "IncompleteSignatureException", std::move(message)}; }
ApiError invalid_signature(std::string message) { return {400, "InvalidSignatureException", std::move(message)}; }
ApiError unrecognized_client() {
  return {400, "UnrecognizedClientException", "The security token included in the request is invalid."};
}
ApiError expired_token() {
  return {400, "ExpiredTokenException", "The security token included in the request is expired"};
}

ApiError throttling() { return {400, "ThrottlingException", "Rate exceeded"}; }
ApiError internal_failure() {
  return {500, "InternalFailure", "The request processing has failed because of an unknown error."};
}
ApiError service_unavailable(std::string message) { return {503, "ServiceUnavailable", std::move(message)}; }

std::string to_json(const ApiError& error) {
  const nlohmann::json body = {{"__type", error.code}, {"message", error.message}};
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace holdfast::api
