// The two ways in which S3 writes a time.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace holdfast::objects {

// "2026-11-27T17:50:30.000Z", with or without a fraction; in lists.
std::optional<Instant> parse_iso_time(std::string_view text);
// "Fri, 27 Nov 2026 17:50:30 GMT"; in headers.
std::optional<Instant> parse_http_date(std::string_view text);

}  // namespace holdfast::objects
