// What a refused signature is called on the wire: three protocols, three vocabularies.
#include "aws/sigv4.hpp"

namespace holdfast::aws {

namespace {

constexpr const char* kSignatureDiffers =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and "
    "signing method. Consult the service documentation for details.";
constexpr const char* kUnknownToken = "The security token included in the request is invalid.";

WireError in_json(AuthProblem problem) {
  switch (problem) {
    case AuthProblem::missing_token:
      return {403, "MissingAuthenticationTokenException", "Missing Authentication Token"};
    case AuthProblem::incomplete:
    case AuthProblem::incomplete_query:
    case AuthProblem::unsigned_headers:
      return {400, "IncompleteSignatureException", "The request signature does not conform to AWS standards."};
    case AuthProblem::unknown_key:
      return {400, "UnrecognizedClientException", kUnknownToken};
    case AuthProblem::wrong_signature:
    case AuthProblem::skewed:
    case AuthProblem::expired:
    case AuthProblem::wrong_body_hash:
      return {403, "InvalidSignatureException", kSignatureDiffers};
  }
  return {};
}

WireError in_query(AuthProblem problem) {
  switch (problem) {
    case AuthProblem::missing_token:
      return {403, "MissingAuthenticationToken", "Request is missing Authentication Token"};
    case AuthProblem::incomplete:
    case AuthProblem::incomplete_query:
    case AuthProblem::unsigned_headers:
      return {400, "IncompleteSignature", "The request signature does not conform to AWS standards."};
    case AuthProblem::unknown_key:
      return {403, "InvalidClientTokenId", kUnknownToken};
    case AuthProblem::wrong_signature:
    case AuthProblem::skewed:
    case AuthProblem::expired:
    case AuthProblem::wrong_body_hash:
      return {403, "SignatureDoesNotMatch", kSignatureDiffers};
  }
  return {};
}

WireError in_s3(AuthProblem problem) {
  switch (problem) {
    case AuthProblem::missing_token:
      return {403, "AccessDenied", "Access Denied"};
    case AuthProblem::incomplete:
      return {400, "AuthorizationHeaderMalformed", "The authorization header that you provided is not valid."};
    case AuthProblem::incomplete_query:
      return {400, "AuthorizationQueryParametersError", "Error parsing the X-Amz parameters."};
    case AuthProblem::unknown_key:
      return {403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."};
    case AuthProblem::wrong_signature:
      return {403, "SignatureDoesNotMatch",
              "The request signature we calculated does not match the signature you provided. Check your key and "
              "signing method."};
    case AuthProblem::skewed:
      return {403, "RequestTimeTooSkewed",
              "The difference between the request time and the current time is too large."};
    case AuthProblem::expired:
      return {403, "AccessDenied", "Request has expired"};
    case AuthProblem::unsigned_headers:
      return {403, "AccessDenied", "There were headers present in the request which were not signed"};
    case AuthProblem::wrong_body_hash:
      return {400, "XAmzContentSHA256Mismatch",
              "The provided 'x-amz-content-sha256' header does not match what was computed."};
  }
  return {};
}

}  // namespace

WireError describe(const AuthFailure& failure, Dialect dialect) {
  auto error = dialect == Dialect::s3      ? in_s3(failure.problem)
               : dialect == Dialect::query ? in_query(failure.problem)
                                           : in_json(failure.problem);
  // S3 says "too skewed" and no more; the times are for the others.
  const bool usual = failure.detail.empty() || (dialect == Dialect::s3 && failure.problem == AuthProblem::skewed);
  if (!usual) error.message = failure.detail;
  return error;
}

}  // namespace holdfast::aws
