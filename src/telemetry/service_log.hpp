// The service's own log on stderr, one line each with UTC time and level.
#pragma once

#include <string_view>

#include "base/log.hpp"
#include "base/result.hpp"

namespace holdfast::telemetry {

// "debug", "info", "warn" or "error".
Result<Level> parse_level(std::string_view word);
// Sets the log sink: once, before other threads start. Lines below `least` are dropped.
void log_to_stderr(Level least);

}  // namespace holdfast::telemetry
