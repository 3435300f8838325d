// The embedded job store: one SQLite file in WAL mode, fsynced at every commit.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ports/job_store.hpp"

namespace holdfast::store {

// `path`: the database file, made when it is not there; ":memory:" keeps everything in this process.
// An error says what stands in the way: a newer schema, a file that is not ours, a directory that cannot be written.
// `started`: a service begins its work on it, and the history shall say so.
Result<std::unique_ptr<ports::JobStore>> open_sqlite_store(const std::string& path,
                                                           std::optional<Instant> started = std::nullopt);

}  // namespace holdfast::store
