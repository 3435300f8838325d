// SQLite's C interface in the two classes that we need. Not for headers of others.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace holdfast::store {

class Database;

// A prepared statement, bound from the left: statement.bind(1).bind("x"). Reset by the destructor of its Run.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::int64_t value);
  Statement& bind(std::string_view text);
  Statement& bind(std::optional<std::int64_t> value);
  Statement& bind(std::optional<double> value);
  Statement& bind_blob(std::string_view bytes);  // empty: null
  // A row is there: true; no more: false.
  Result<bool> step();
  // For statements without rows. Leaves the statement ready for the next binding.
  Result<void> run();
  void reset();

  std::int64_t integer(int column) const;
  std::optional<std::int64_t> maybe_integer(int column) const;
  std::string text(int column) const;
  std::optional<double> maybe_real(int column) const;
  std::string_view blob(int column) const;  // valid until the next step

 private:
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int next_ = 1;
};

class Database {
 public:
  // A file, or ":memory:".
  static Result<std::unique_ptr<Database>> open(const std::string& path, bool read_only);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<void> execute(const std::string& sql);
  tl::unexpected<Error> error(std::string_view doing) const;
  sqlite3* handle() const { return handle_; }
  int changes() const { return sqlite3_changes(handle_); }

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  sqlite3* handle_;
};

}  // namespace holdfast::store
