// Newer SDKs compress what is long (PutMetricData from 10 KiB on): smithy's requestCompression trait.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "api/errors.hpp"
#include "http/message.hpp"

namespace holdfast::api::wire {

// The body without its Content-Encoding, at most kMaxBodyBytes of it; `room` holds what had to be decompressed. The
// signature is of the body as it came.
tl::expected<std::string_view, ApiError> plain_body(const http::Request& request, std::string& room);

}  // namespace holdfast::api::wire
