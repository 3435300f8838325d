// What an S3 request touches, held against what its key may do.
#pragma once

#include "api/access.hpp"
#include "api/s3/request.hpp"

namespace holdfast::api::s3 {

// AccessDenied, naming key, action and resource, where the key's policy does not say that it may. Two requests are
// allowed here and look themselves, entry by entry: a list of buckets shows those that the key may reach, and a list of
// deletions fails for the others.
S3Result<void> authorize(const S3Request& request, const Principal& principal);

// An empty key is the bucket itself.
S3Error not_allowed(const Principal& principal, std::string_view action, const std::string& bucket,
                    const std::string& key);

}  // namespace holdfast::api::s3
