// The policy document of a browser's upload to S3, and who signed it: what the form says instead of an Authorization.
#pragma once

#include <string>

#include "aws/sigv4.hpp"

namespace holdfast::aws {

// The form's fields, as they came.
struct SignedPolicy {
  std::string policy;      // in base64: the very text that is signed
  std::string algorithm;   // x-amz-algorithm
  std::string credential;  // x-amz-credential: "AKID/20261123/us-east-1/s3/aws4_request"
  std::string date;        // x-amz-date
  std::string signature;   // x-amz-signature; of version 2 `signature`
  // Of version 2, instead of the first three: AWSAccessKeyId.
  std::string access_key;
};

// Whose it is. When the document itself expires is for who reads it. `lookup` is called once at most.
AuthResult<Scope> verify_policy(const SignedPolicy& policy, Instant now, const SecretLookup& lookup);

}  // namespace holdfast::aws
