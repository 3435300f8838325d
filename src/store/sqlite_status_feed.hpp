// The status changes that triggers on the table of jobs write down (see schema.cpp), in the transactions that make
// them.
#pragma once

#include <memory>
#include <string>

#include "ports/status_feed.hpp"

namespace holdfast::store {

// `path`: as it was given to open_sqlite_store(), which must have been called before.
Result<std::unique_ptr<ports::StatusFeed>> open_sqlite_status_feed(const std::string& path);

}  // namespace holdfast::store
