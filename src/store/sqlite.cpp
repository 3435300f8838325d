#include "store/sqlite.hpp"

#include "base/ensure.hpp"

namespace holdfast::store {

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  const int rc = sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  ENSURE(rc == SQLITE_OK, "preparing '{}': {}", sql, sqlite3_errmsg(database.handle()));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(std::int64_t value) {
  sqlite3_bind_int64(statement_, next_++, value);
  return *this;
}

// The text must stay alive until the statement has run: all callers bind and run in one expression or scope.
Statement& Statement::bind(std::string_view text) {
  sqlite3_bind_text(statement_, next_++, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind(std::optional<std::int64_t> value) {
  if (value) return bind(*value);
  sqlite3_bind_null(statement_, next_++);
  return *this;
}

Statement& Statement::bind(std::optional<double> value) {
  value ? sqlite3_bind_double(statement_, next_, *value) : sqlite3_bind_null(statement_, next_);
  ++next_;
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  sqlite3_bind_blob(statement_, next_++, bytes.empty() ? nullptr : bytes.data(), static_cast<int>(bytes.size()),
                    SQLITE_STATIC);
  return *this;
}

Result<bool> Statement::step() {
  const int rc = sqlite3_step(statement_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  auto error = database_.error(sqlite3_sql(statement_));
  reset();
  return error;
}

Result<void> Statement::run() {
  const auto row = step();
  reset();
  if (!row) return fail(row.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  next_ = 1;
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::optional<std::int64_t> Statement::maybe_integer(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return integer(column);
}

std::optional<double> Statement::maybe_real(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return sqlite3_column_double(statement_, column);
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {bytes, bytes ? static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)) : 0};
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : std::string();
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, bool read_only) {
  sqlite3* handle = nullptr;
  const int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI;
  const int rc = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  auto database = std::unique_ptr<Database>(new Database(handle));
  if (rc != SQLITE_OK) return database->error("opening " + path);
  sqlite3_busy_timeout(handle, 5000);
  return database;
}

Database::~Database() { sqlite3_close_v2(handle_); }

Result<void> Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error(sql);
  return {};
}

tl::unexpected<Error> Database::error(std::string_view doing) const {
  const int code = sqlite3_extended_errcode(handle_);
  const auto kind = [&] {
    switch (code & 0xff) {
      case SQLITE_FULL:
        return Kind::no_space;
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
      case SQLITE_NOMEM:
      case SQLITE_IOERR:
        return Kind::try_again;
      case SQLITE_CONSTRAINT:
        return Kind::conflict;
      case SQLITE_CANTOPEN:
        return Kind::not_found;
      default:
        return Kind::permanent;
    }
  }();
  return fail(kind, "database: {}: {}", doing, sqlite3_errmsg(handle_));
}

}  // namespace holdfast::store
