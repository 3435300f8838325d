// If-Match and If-None-Match of a put, a copy, the end of a multipart upload or a removal: what the store has to hold
// to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/s3/request.hpp"
#include "ports/bucket_store.hpp"

namespace holdfast::api::s3 {

// An object of which only the conditions are filled in. NotImplemented: a condition that S3 does not have.
S3Result<ports::NewObject> conditional(const S3Request& request);
// Which ETag a removal demands ("*": any); nothing where it is unconditional.
S3Result<std::optional<std::string>> condition_of_removal(const S3Request& request);
// An ETag as the store has it: without its quotes.
std::string bare_etag(std::string_view etag);

}  // namespace holdfast::api::s3
