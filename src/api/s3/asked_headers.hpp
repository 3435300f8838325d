// Headers that ask for what is not there, whatever the request: passed over, they would promise what nobody keeps.
#pragma once

#include "api/s3/request.hpp"

namespace holdfast::api::s3 {

// NotImplemented, or InvalidRequest, with the header's name.
S3Result<void> check_headers(const http::Headers& headers);

}  // namespace holdfast::api::s3
