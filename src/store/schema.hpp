// The tables of the embedded store, and the way from older ones. Read with store/sqlite_store.cpp, which fills them.
#pragma once

#include "base/result.hpp"

namespace holdfast::store {

class Database;

constexpr int kSchemaVersion = 4;

// Of the database as it is: 0 for an empty one.
Result<int> schema_version(Database& database);
// Makes or changes the tables as needed. Kind::invalid: a newer Holdfast wrote them.
Result<void> migrate(Database& database);

}  // namespace holdfast::store
