#include "store/sqlite_status_feed.hpp"

#include <algorithm>
#include <mutex>

#include "job/codec.hpp"
#include "store/sqlite.hpp"
#include "store/tag_codec.hpp"

namespace holdfast::store {

namespace {

class SqliteStatusFeed final : public ports::StatusFeed {
 public:
  explicit SqliteStatusFeed(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  Result<void> listen(const std::vector<std::string>& listeners) override {
    const std::lock_guard lock(mutex_);
    const auto before = names();
    if (!before) return fail(before.error());
    for (const auto& name : *before) {
      if (std::ranges::find(listeners, name) != listeners.end()) continue;
      Statement forget(*database_, "DELETE FROM listeners WHERE name = ?");
      if (auto forgotten = forget.bind(name).run(); !forgotten) return forgotten;
    }
    for (const auto& name : listeners) {
      Statement add(*database_,
                    "INSERT OR IGNORE INTO listeners (name, told) "
                    "SELECT ?, COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'status_changes'), 0)");
      if (auto added = add.bind(name).run(); !added) return added;
    }
    return sweep();
  }

  Result<std::uint64_t> told(const std::string& listener) override {
    const std::lock_guard lock(mutex_);
    Statement select(*database_, "SELECT told FROM listeners WHERE name = ?");
    select.bind(listener);
    const auto row = select.step();
    if (!row) return fail(row.error());
    if (!*row) return fail(Kind::not_found, "'{}' does not listen", listener);
    return static_cast<std::uint64_t>(select.integer(0));
  }

  Result<std::vector<ports::StatusChange>> after(std::uint64_t number, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    Statement select(*database_,
                     "SELECT number, transitions_before, spec, job, request, tags FROM status_changes WHERE number > ? "
                     "ORDER BY number LIMIT ?");
    select.bind(static_cast<std::int64_t>(number)).bind(static_cast<std::int64_t>(limit));
    std::vector<ports::StatusChange> changes;
    for (;;) {
      const auto row = select.step();
      if (!row) return fail(row.error());
      if (!*row) return changes;
      auto change = read(select);
      if (!change) return fail(change.error());
      changes.push_back(std::move(*change));
    }
  }

  Result<void> tell(const std::string& listener, std::uint64_t number) override {
    const std::lock_guard lock(mutex_);
    Statement update(*database_, "UPDATE listeners SET told = ? WHERE name = ?");
    if (auto updated = update.bind(static_cast<std::int64_t>(number)).bind(listener).run(); !updated) return updated;
    return sweep();
  }

 private:
  static Result<ports::StatusChange> read(const Statement& row) {
    auto spec = job::decode_spec(row.text(2));
    if (!spec) return fail(spec.error());
    auto job = job::decode_job(row.text(3), std::make_shared<const job::JobSpec>(std::move(*spec)));
    if (!job) return fail(job.error());
    auto tags = decode_tags(row.text(5));
    return ports::StatusChange{static_cast<std::uint64_t>(row.integer(0)),
                               {std::move(*job), {row.text(4), std::move(tags)}},
                               static_cast<std::size_t>(row.integer(1))};
  }

  Result<std::vector<std::string>> names() {
    Statement select(*database_, "SELECT name FROM listeners");
    std::vector<std::string> names;
    for (;;) {
      const auto row = select.step();
      if (!row) return fail(row.error());
      if (!*row) return names;
      names.push_back(select.text(0));
    }
  }

  // What everybody was told of is not kept; with nobody left, nothing is.
  Result<void> sweep() {
    return database_->execute(
        "DELETE FROM status_changes WHERE number <= COALESCE((SELECT MIN(told) FROM listeners), number)");
  }

  std::unique_ptr<Database> database_;
  std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<ports::StatusFeed>> open_sqlite_status_feed(const std::string& path) {
  auto database = Database::open(path, false);
  if (!database) return fail(database.error());
  // Not fsynced: to tell something twice after a power failure is allowed, to make the engine's commits wait is not.
  if (auto set = (*database)->execute("PRAGMA synchronous = NORMAL;"); !set)
    return fail(set.error(), "opening {}", path);
  return std::unique_ptr<ports::StatusFeed>(std::make_unique<SqliteStatusFeed>(std::move(*database)));
}

}  // namespace holdfast::store
