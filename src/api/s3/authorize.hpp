// What an S3 request touches, held against what its key may do.
#pragma once

#include "api/access.hpp"
#include "api/s3/request.hpp"

namespace holdfast::api::s3 {

// AccessDenied where the policy does not say that it may. Two requests are allowed here and look themselves, entry by
// entry: a list of buckets shows those that the key may reach, and a list of deletions fails for the others.
S3Result<void> authorize(const S3Request& request, const Policy& policy);

}  // namespace holdfast::api::s3
