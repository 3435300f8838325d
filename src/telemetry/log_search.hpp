// Finds events in many streams at once, in the order of their places (ports::SearchPlace), looking at no more than it
// must: always at the block that may hold the next event, whichever stream it is in.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ports/log_store.hpp"
#include "telemetry/log_stream.hpp"

namespace holdfast::telemetry {

constexpr std::uint64_t kMaxSearchedBytes = 32 * 1024 * 1024;  // looked at for one page

// A stream, and how far it had come.
struct OpenedLog {
  std::shared_ptr<const LogStream> stream;
  Extent extent;
};

// Where the streams come from; Kind::not_found for one that is not there. They are opened as often as they are needed
// and not held, since there may be more of them than may be open.
struct LogSource {
  std::function<Result<ports::LogStreamFacts>(const std::string& stream)> facts;
  std::function<Result<OpenedLog>(const std::string& stream)> open;
};

Result<ports::SearchPage> search_logs(const ports::LogSearch& search, const LogSource& source);

}  // namespace holdfast::telemetry
