// If-Match and If-None-Match of a put, a copy or the end of a multipart upload: what the store has to hold to.
#pragma once

#include "api/s3/request.hpp"
#include "ports/bucket_store.hpp"

namespace holdfast::api::s3 {

// An object of which only the conditions are filled in. NotImplemented: a condition that S3 does not have.
S3Result<ports::NewObject> conditional(const S3Request& request);

}  // namespace holdfast::api::s3
