// Algorithms in the embedded store's file, through a connection of their own: the engine does not wait for them, and
// they wait for it at most as long as one of its commits takes.
#pragma once

#include <memory>
#include <string>

#include "ports/algorithm_store.hpp"

namespace holdfast::store {

// `path` as for open_sqlite_store(); ":memory:" is a database of its own.
Result<std::unique_ptr<ports::AlgorithmStore>> open_sqlite_algorithms(const std::string& path);

}  // namespace holdfast::store
