#include "store/schema.hpp"

#include <array>

#include "store/sqlite.hpp"

namespace holdfast::store {

namespace {

// What each version added. Never changed once released: a new version is a new entry.
constexpr std::array kSteps{
    R"sql(
  CREATE TABLE jobs (
    name TEXT PRIMARY KEY, arn TEXT NOT NULL, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL,
    ended_ms INTEGER, status TEXT NOT NULL, secondary TEXT NOT NULL, live INTEGER NOT NULL, version INTEGER NOT NULL,
    spec TEXT NOT NULL, request TEXT NOT NULL, tags TEXT NOT NULL, job TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX jobs_by_creation ON jobs (created_ms, name);
  CREATE INDEX jobs_by_status ON jobs (status, name);
  CREATE INDEX jobs_live ON jobs (name) WHERE live;
  CREATE TABLE events (job TEXT NOT NULL, version INTEGER NOT NULL, at_ms INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (job, version)) WITHOUT ROWID;
  CREATE TABLE effects (fence INTEGER NOT NULL, kind INTEGER NOT NULL, job TEXT NOT NULL, effect TEXT NOT NULL,
    PRIMARY KEY (fence, kind)) WITHOUT ROWID;
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
)sql",
    // For whoever looks back (`holdfast check-history`): every instance that was asked for, from the request to the
    // provider's word that nothing of it is left; and when the service was started. Attempts from before are not there.
    R"sql(
  CREATE TABLE leases (
    fence INTEGER PRIMARY KEY, job TEXT NOT NULL, pool TEXT NOT NULL, spot INTEGER NOT NULL,
    price_per_hour INTEGER NOT NULL, on_demand_per_hour INTEGER NOT NULL, requested_ms INTEGER NOT NULL,
    instance TEXT, up_ms INTEGER, release_asked_ms INTEGER, gone_ms INTEGER);
  CREATE TABLE starts (at_ms INTEGER NOT NULL);
)sql",
    // Algorithms, which jobs are made from; and what a job that is deleted takes with it is found by its name.
    R"sql(
  CREATE TABLE algorithms (
    name TEXT PRIMARY KEY, arn TEXT NOT NULL, created_ms INTEGER NOT NULL, request TEXT NOT NULL, tags TEXT NOT NULL)
    WITHOUT ROWID;
  CREATE INDEX algorithms_by_creation ON algorithms (created_ms, name);
  CREATE INDEX leases_by_job ON leases (job);
)sql",
    // Who is told of status changes, and of which already; and the changes, written down in the transactions that make
    // them, but only while somebody listens. One decision may pass through two statuses.
    R"sql(
  CREATE TABLE listeners (name TEXT PRIMARY KEY, told INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE status_changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, transitions_before INTEGER NOT NULL, spec TEXT NOT NULL,
    job TEXT NOT NULL, request TEXT NOT NULL, tags TEXT NOT NULL);
  CREATE TRIGGER first_status AFTER INSERT ON jobs WHEN EXISTS (SELECT 1 FROM listeners) BEGIN
    INSERT INTO status_changes (transitions_before, spec, job, request, tags)
      VALUES (0, new.spec, new.job, new.request, new.tags);
    DELETE FROM status_changes WHERE number <= last_insert_rowid() - 100000;
  END;
  CREATE TRIGGER next_status AFTER UPDATE OF job ON jobs
    WHEN EXISTS (SELECT 1 FROM listeners) AND
      (old.secondary <> new.secondary OR
       json_array_length(old.job, '$.transitions') <> json_array_length(new.job, '$.transitions')) BEGIN
    INSERT INTO status_changes (transitions_before, spec, job, request, tags)
      VALUES (json_array_length(old.job, '$.transitions'), new.spec, new.job, new.request, new.tags);
    DELETE FROM status_changes WHERE number <= last_insert_rowid() - 100000;
  END;
)sql"};
static_assert(kSteps.size() == kSchemaVersion);

}  // namespace

Result<int> schema_version(Database& database) {
  Statement ask(database, "PRAGMA user_version");
  if (auto row = ask.step(); !row) return fail(row.error());
  return static_cast<int>(ask.integer(0));
}

Result<void> migrate(Database& database) {
  const auto version = schema_version(database);
  if (!version) return fail(version.error());
  if (*version > kSchemaVersion) {
    return fail(Kind::invalid,
                "the database was written by a newer Holdfast (schema {}, this one knows {}): use that one", *version,
                kSchemaVersion);
  }
  if (*version == kSchemaVersion) return {};
  std::string sql = "BEGIN;";
  for (auto step = static_cast<std::size_t>(*version); step < kSteps.size(); ++step) sql += kSteps[step];
  auto done = database.execute(sql + fmt::format(" PRAGMA user_version = {}; COMMIT;", kSchemaVersion));
  // All or nothing: what failed half-way must not stay open.
  if (!done) static_cast<void>(database.execute("ROLLBACK"));
  return done;
}

}  // namespace holdfast::store
