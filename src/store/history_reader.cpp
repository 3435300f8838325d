#include "store/history_reader.hpp"

#include "store/schema.hpp"
#include "store/sqlite.hpp"

namespace holdfast::store {

namespace {

constexpr int kFirstWithLeases = 2;

std::optional<Instant> maybe_instant(const Statement& row, int column) {
  const auto ms = row.maybe_integer(column);
  return ms ? std::optional(from_ms(*ms)) : std::nullopt;
}

// One value for each row.
template <class Row, class Read>
Result<std::vector<Row>> all(Database& database, const char* sql, const Read& read) {
  Statement select(database, sql);
  std::vector<Row> rows;
  for (;;) {
    const auto row = select.step();
    if (!row) return fail(row.error());
    if (!*row) return rows;
    rows.push_back(read(select));
  }
}

std::uint64_t number(const Statement& row, int column) { return static_cast<std::uint64_t>(row.integer(column)); }

}  // namespace

HistoryReader::HistoryReader(std::unique_ptr<Database> database, int schema)
    : database_(std::move(database)), schema_(schema) {}

HistoryReader::~HistoryReader() = default;

Result<std::unique_ptr<HistoryReader>> HistoryReader::open(const std::string& path) {
  auto database = Database::open(path, true);
  if (!database) return fail(database.error());
  // The first read of a transaction fixes what all others see.
  if (auto begun = (*database)->execute("BEGIN"); !begun) return fail(begun.error(), "reading {}", path);
  const auto readable = (*database)->execute("SELECT count(*) FROM sqlite_schema");
  if (!readable) return fail(readable.error(), "reading {}", path);
  const auto schema = schema_version(**database);
  if (!schema) return fail(schema.error(), "reading {}", path);
  if (*schema < 1 || *schema > kSchemaVersion)
    return fail(Kind::invalid, "{}: schema {} is not one that this Holdfast knows (1 to {})", path, *schema,
                kSchemaVersion);
  return std::unique_ptr<HistoryReader>(new HistoryReader(std::move(*database), *schema));
}

Result<std::vector<JobRow>> HistoryReader::jobs() {
  return all<JobRow>(*database_, "SELECT name, spec, job, status, secondary, version, live FROM jobs ORDER BY name",
                     [](const Statement& row) {
                       return JobRow{JobName{row.text(0)}, row.text(1),    row.text(2),        row.text(3),
                                     row.text(4),          number(row, 5), row.integer(6) != 0};
                     });
}

Result<std::vector<EventRow>> HistoryReader::events() {
  return all<EventRow>(*database_, "SELECT job, version, at_ms, event FROM events ORDER BY job, version",
                       [](const Statement& row) {
                         return EventRow{JobName{row.text(0)}, number(row, 1), from_ms(row.integer(2)), row.text(3)};
                       });
}

Result<std::vector<LeaseRow>> HistoryReader::leases() {
  if (schema_ < kFirstWithLeases) return std::vector<LeaseRow>{};
  return all<LeaseRow>(*database_,
                       "SELECT fence, job, spot, price_per_hour, on_demand_per_hour, requested_ms, instance, up_ms, "
                       "release_asked_ms, gone_ms FROM leases ORDER BY fence",
                       [](const Statement& row) {
                         return LeaseRow{Fence{number(row, 0)},   JobName{row.text(1)},  row.integer(2) != 0,
                                         row.integer(3),          row.integer(4),        from_ms(row.integer(5)),
                                         InstanceId{row.text(6)}, maybe_instant(row, 7), maybe_instant(row, 8),
                                         maybe_instant(row, 9)};
                       });
}

Result<std::vector<Instant>> HistoryReader::starts() {
  if (schema_ < kFirstWithLeases) return std::vector<Instant>{};
  return all<Instant>(*database_, "SELECT at_ms FROM starts ORDER BY rowid",
                      [](const Statement& row) { return from_ms(row.integer(0)); });
}

}  // namespace holdfast::store
