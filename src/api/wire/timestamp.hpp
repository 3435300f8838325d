// Instants as text, as the Query protocol has them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api::wire {

// Seconds since 1970 of an ISO 8601 instant ("2026-11-23T03:28:48.236872Z", "2026-11-23T04:28+01:00"), or of a number
// that already is that. Without a zone it is UTC. Years 1 to 9999.
std::optional<double> parse_timestamp(std::string_view text);
// "2026-11-23T03:28:48Z", with milliseconds where there are some.
std::string format_timestamp(double seconds);

}  // namespace holdfast::api::wire
