#include "api/wire/query_errors.hpp"

#include <array>

namespace holdfast::api::wire {
namespace {

struct Name {
  std::string_view json;
  std::string_view query;
  int status;
};
constexpr std::array kNames = {
    // CloudWatch's own, as its model has them.
    Name{"InvalidParameterValueException", "InvalidParameterValue", 400},
    Name{"MissingRequiredParameterException", "MissingParameter", 400},
    Name{"InvalidParameterCombinationException", "InvalidParameterCombination", 400},
    Name{"InternalServiceFault", "InternalServiceError", 500},
    Name{"LimitExceededFault", "LimitExceeded", 400},
    Name{"ResourceNotFoundException", "ResourceNotFoundException", 404},
    // Those of every service.
    Name{"ValidationException", "ValidationError", 400},
    Name{"SerializationException", "MalformedInput", 400},
    Name{"UnknownOperationException", "InvalidAction", 400},
    Name{"AccessDeniedException", "AccessDenied", 403},
    Name{"MissingAuthenticationTokenException", "MissingAuthenticationToken", 403},
    Name{"IncompleteSignatureException", "IncompleteSignature", 400},
    Name{"InvalidSignatureException", "SignatureDoesNotMatch", 403},
    Name{"UnrecognizedClientException", "InvalidClientTokenId", 403},
    Name{"ExpiredTokenException", "ExpiredToken", 403},
    Name{"ThrottlingException", "Throttling", 400},
};

}  // namespace

ApiError query_error(const ApiError& error) {
  for (const auto& name : kNames)
    if (error.code == name.json) return {name.status, std::string(name.query), error.message};
  return error;
}

}  // namespace holdfast::api::wire
