#include "store/sqlite_store.hpp"

#include <mutex>
#include <nlohmann/json.hpp>

#include "base/ensure.hpp"
#include "job/codec.hpp"
#include "job/summary.hpp"
#include "store/lease_rows.hpp"
#include "store/overview.hpp"
#include "store/recent_jobs.hpp"
#include "store/schema.hpp"
#include "store/sqlite.hpp"
#include "store/tag_codec.hpp"

namespace holdfast::store {

namespace {

// LIKE and GLOB have wildcards; a name contains only letters, digits and '-', so instr() says it plainly.
std::string list_sql(const ports::ListQuery& query) {
  const char* key = query.sort_by == ports::SortBy::name      ? "name"
                    : query.sort_by == ports::SortBy::created ? "created_ms"
                                                              : "status";
  const char* direction = query.ascending ? "ASC" : "DESC";
  std::string sql = "SELECT name, arn, created_ms, modified_ms, ended_ms, status, secondary FROM jobs WHERE 1";
  if (!query.name_contains.empty()) sql += " AND instr(name, ?)";
  if (!query.name_prefix.empty()) sql += " AND instr(name, ?) = 1";
  if (!query.status.empty()) sql += " AND status = ?";
  if (query.created_after) sql += " AND created_ms > ?";
  if (query.created_before) sql += " AND created_ms < ?";
  if (query.modified_after) sql += " AND modified_ms > ?";
  if (query.modified_before) sql += " AND modified_ms < ?";
  if (query.after) sql += fmt::format(" AND ({0}, name) {1} (?, ?)", key, query.ascending ? ">" : "<");
  return sql + fmt::format(" ORDER BY {0} {1}, name {1} LIMIT ?", key, direction);
}

class SqliteStore final : public ports::JobStore {
 public:
  SqliteStore(std::unique_ptr<Database> writer, std::unique_ptr<Database> reader)
      : writer_(std::move(writer)),
        reader_(std::move(reader)),
        write_(*writer_),
        leases_(*writer_),
        read_(reader_ ? *reader_ : *writer_) {}

  Result<void> commit(const ports::Batch& batch) override {
    // An in-memory store has one connection for both: then writing and reading take turns.
    std::unique_lock lock(mutex_, std::defer_lock);
    if (!reader_) lock.lock();
    recent_.commit_begins(batch);
    auto committed = commit_whole(batch);
    recent_.commit_ended();
    return committed;
  }

  Result<std::vector<job::Job>> live_jobs() override {
    Statement select(*writer_, "SELECT spec, job FROM jobs WHERE live ORDER BY created_ms, name");
    std::vector<job::Job> jobs;
    for (;;) {
      const auto row = select.step();
      if (!row) return fail(row.error());
      if (!*row) return jobs;
      auto job = decode(select.text(0), select.text(1));
      if (!job) return fail(job.error());
      jobs.push_back(std::move(*job));
    }
  }

  Result<std::vector<ports::PendingEffect>> pending_effects() override {
    Statement select(*writer_, "SELECT job, effect FROM effects ORDER BY fence, kind");
    std::vector<ports::PendingEffect> effects;
    for (;;) {
      const auto row = select.step();
      if (!row) return fail(row.error());
      if (!*row) return effects;
      auto effect = job::decode_effect(select.text(1));
      if (!effect) return fail(effect.error());
      effects.push_back({JobName{select.text(0)}, std::move(*effect)});
    }
  }

  Result<Fence> highest_fence() override {
    Statement select(*writer_, "SELECT value FROM counters WHERE name = 'fence'");
    const auto row = select.step();
    if (!row) return fail(row.error());
    return *row ? Fence{static_cast<std::uint64_t>(select.integer(0))} : Fence{};
  }

  Result<ports::StoredJob> find(const JobName& name) override {
    if (const auto known = recent_.find(name)) return *known;
    const auto read_since = recent_.now();
    std::string spec, job_text, request, tags;
    {
      const std::lock_guard lock(mutex_);
      read_.find.bind(name.value);
      const auto row = read_.find.step();
      if (!row) return fail(row.error());
      if (*row) {
        spec = read_.find.text(0);
        job_text = read_.find.text(1);
        request = read_.find.text(2);
        tags = read_.find.text(3);
      }
      read_.find.reset();
      if (!*row) return fail(Kind::not_found, "no training job is called '{}'", name.value);
    }
    auto job = decode(spec, job_text);
    if (!job) return fail(job.error());
    const std::size_t bytes = spec.size() + job_text.size() + request.size() + tags.size();
    ports::StoredJob stored{std::move(*job), {std::move(request), decode_tags(tags)}};
    if (bytes <= kMaxRecentJobBytes) recent_.put(std::make_shared<const ports::StoredJob>(stored), read_since);
    return stored;
  }

  Result<ports::Overview> overview() override {
    const std::lock_guard lock(mutex_);
    return read_overview(reader_ ? *reader_ : *writer_);
  }

  Result<bool> exists(const JobName& name) override {
    const std::lock_guard lock(mutex_);
    read_.exists.bind(name.value);
    auto row = read_.exists.step();
    read_.exists.reset();
    return row;
  }

  Result<ports::ListResult> list(const ports::ListQuery& query) override {
    const std::lock_guard lock(mutex_);
    Statement select(reader_ ? *reader_ : *writer_, list_sql(query));
    if (!query.name_contains.empty()) select.bind(query.name_contains);
    if (!query.name_prefix.empty()) select.bind(query.name_prefix);
    if (!query.status.empty()) select.bind(query.status);
    for (const auto& bound : {query.created_after, query.created_before, query.modified_after, query.modified_before}) {
      if (bound) select.bind(to_ms(*bound));
    }
    if (query.after) {
      if (query.sort_by == ports::SortBy::created) {
        select.bind(static_cast<std::int64_t>(std::strtoll(query.after->first.c_str(), nullptr, 10)));
      } else {
        select.bind(query.after->first);
      }
      select.bind(query.after->second);
    }
    select.bind(static_cast<std::int64_t>(query.limit) + 1);  // one more tells whether there is more
    ports::ListResult result;
    for (;;) {
      const auto row = select.step();
      if (!row) return fail(row.error());
      if (!*row) return result;
      if (result.jobs.size() == query.limit) {
        result.next = sort_key(query.sort_by, result.jobs.back());
        return result;
      }
      result.jobs.push_back(read_summary(select));
    }
  }

  Result<std::vector<ports::StoredRow>> scan(const JobName& after, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    Statement select(reader_ ? *reader_ : *writer_,
                     "SELECT name, arn, created_ms, modified_ms, ended_ms, status, secondary, spec, job, request, tags "
                     "FROM jobs WHERE name > ? ORDER BY name LIMIT ?");
    select.bind(after.value).bind(static_cast<std::int64_t>(limit));
    std::vector<ports::StoredRow> rows;
    for (;;) {
      const auto row = select.step();
      if (!row) return fail(row.error());
      if (!*row) return rows;
      rows.push_back(
          {read_summary(select), {select.text(9), decode_tags(select.text(10))}, select.text(7), select.text(8)});
    }
  }

  Result<std::vector<std::pair<Instant, std::string>>> history(const JobName& name) override {
    const std::lock_guard lock(mutex_);
    Statement select(reader_ ? *reader_ : *writer_, "SELECT at_ms, event FROM events WHERE job = ? ORDER BY version");
    select.bind(name.value);
    std::vector<std::pair<Instant, std::string>> events;
    for (;;) {
      const auto row = select.step();
      if (!row) return fail(row.error());
      if (!*row) return events;
      events.emplace_back(from_ms(select.integer(0)), select.text(1));
    }
  }

 private:
  struct Writes {
    explicit Writes(Database& db)
        : begin(db, "BEGIN IMMEDIATE"),
          commit(db, "COMMIT"),
          rollback(db, "ROLLBACK"),
          insert(db,
                 "INSERT INTO jobs (name, arn, created_ms, modified_ms, ended_ms, status, secondary, live, version, "
                 "spec, request, tags, job) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"),
          update(db,
                 "UPDATE jobs SET modified_ms=?, ended_ms=?, status=?, secondary=?, live=?, version=?, job=? "
                 "WHERE name=? AND version=?"),
          amend(db, "UPDATE jobs SET request=?, tags=? WHERE name=?"),
          remove(db, "DELETE FROM jobs WHERE name=? AND NOT live"),
          remove_events(db, "DELETE FROM events WHERE job=?"),
          remove_leases(db, "DELETE FROM leases WHERE job=?"),
          event(db, "INSERT INTO events (job, version, at_ms, event) VALUES (?,?,?,?)"),
          effect(db, "INSERT OR IGNORE INTO effects (fence, kind, job, effect) VALUES (?,?,?,?)"),
          done(db, "DELETE FROM effects WHERE fence=? AND kind=?"),
          fence(db, "INSERT OR REPLACE INTO counters (name, value) VALUES ('fence', ?)") {}
    Statement begin, commit, rollback, insert, update, amend, remove, remove_events, remove_leases, event, effect, done,
        fence;
  };
  struct Reads {
    explicit Reads(Database& db)
        : find(db, "SELECT spec, job, request, tags FROM jobs WHERE name = ?"),
          exists(db, "SELECT 1 FROM jobs WHERE name = ?") {}
    Statement find, exists;
  };

  // The columns that a list shows, in their order.
  static ports::JobSummary read_summary(const Statement& row) {
    const auto ended = row.maybe_integer(4);
    return {JobName{row.text(0)},
            row.text(1),
            from_ms(row.integer(2)),
            from_ms(row.integer(3)),
            ended ? std::optional(from_ms(*ended)) : std::nullopt,
            row.text(5),
            row.text(6)};
  }

  static std::pair<std::string, std::string> sort_key(ports::SortBy by, const ports::JobSummary& job) {
    switch (by) {
      case ports::SortBy::name:
        return {job.name.value, job.name.value};
      case ports::SortBy::created:
        return {std::to_string(to_ms(job.created)), job.name.value};
      case ports::SortBy::status:
        return {job.primary, job.name.value};
    }
    return {};
  }

  static Result<job::Job> decode(const std::string& spec, const std::string& job_text) {
    auto decoded = job::decode_spec(spec);
    if (!decoded) return fail(decoded.error());
    return job::decode_job(job_text, std::make_shared<const job::JobSpec>(std::move(*decoded)));
  }

  Result<void> commit_whole(const ports::Batch& batch) {
    if (auto begun = write_.begin.run(); !begun) return begun;
    if (auto written = write_all(batch); !written) {
      // What failed is what the caller must hear of; a rollback that fails too leaves nothing behind either.
      if (!sqlite3_get_autocommit(writer_->handle())) static_cast<void>(write_.rollback.run());
      return written;
    }
    if (auto committed = write_.commit.run(); !committed) {
      if (!sqlite3_get_autocommit(writer_->handle())) static_cast<void>(write_.rollback.run());
      return committed;
    }
    return {};
  }

  Result<void> write_all(const ports::Batch& batch) {
    for (const auto& step : batch.steps) {
      if (auto written = write_step(step); !written) return written;
    }
    for (const auto& amendment : batch.amendments) {
      if (auto written = amend(amendment); !written) return written;
    }
    for (const auto& name : batch.removed) {
      if (auto removed = remove(name); !removed) return removed;
    }
    for (const auto& key : batch.done) {
      auto deleted =
          write_.done.bind(static_cast<std::int64_t>(key.fence.value)).bind(static_cast<std::int64_t>(key.kind)).run();
      if (!deleted) return deleted;
      if (auto marked = leases_.done(key, batch.at); !marked) return marked;
    }
    if (batch.fence_used) return write_.fence.bind(static_cast<std::int64_t>(batch.fence_used->value)).run();
    return {};
  }

  Result<void> write_step(const ports::Step& step) {
    const job::Job& job = step.job;
    const std::string& name = job.spec->name.value;
    if (auto written = step.origin ? insert(job, *step.origin) : update(job); !written) return written;
    const auto version = static_cast<std::int64_t>(job.version);
    if (step.event) {
      const std::string text = job::encode_event(*step.event);
      auto logged = write_.event.bind(name).bind(version).bind(to_ms(step.at)).bind(text).run();
      if (!logged) return logged;
    }
    for (const auto& effect : step.effects) {
      const std::string text = job::encode_effect(effect);
      const auto fence = std::visit([](const auto& what) { return what.fence; }, effect);
      auto kept = write_.effect.bind(static_cast<std::int64_t>(fence.value))
                      .bind(static_cast<std::int64_t>(effect.index()))
                      .bind(name)
                      .bind(text)
                      .run();
      if (!kept) return kept;
    }
    return leases_.follow(step);
  }

  Result<void> insert(const job::Job& job, const ports::Origin& origin) {
    const auto summary = job::summarize(job);
    const std::string spec = job::encode_spec(*job.spec);
    const std::string text = job::encode_job(job);
    const std::string tags = encode_tags(origin.tags);
    return write_.insert.bind(job.spec->name.value)
        .bind(job.spec->arn)
        .bind(to_ms(job.created))
        .bind(to_ms(summary.last_modified))
        .bind(std::optional<std::int64_t>())
        .bind(to_string(summary.primary))
        .bind(to_string(summary.secondary))
        .bind(std::int64_t{1})
        .bind(static_cast<std::int64_t>(job.version))
        .bind(spec)
        .bind(origin.request)
        .bind(tags)
        .bind(text)
        .run();
  }

  Result<void> amend(const ports::Amendment& amendment) {
    const std::string tags = encode_tags(amendment.origin.tags);
    auto written = write_.amend.bind(amendment.origin.request).bind(tags).bind(amendment.job.value).run();
    if (written && writer_->changes() != 1)
      return fail(Kind::conflict, "job {}: it is not there to be changed", amendment.job.value);
    return written;
  }

  // Its effects have had their outcome: the engine removes no job before.
  Result<void> remove(const JobName& name) {
    if (auto removed = write_.remove.bind(name.value).run(); !removed) return removed;
    if (writer_->changes() != 1) return fail(Kind::conflict, "job {}: it has not ended, or is not there", name.value);
    if (auto removed = write_.remove_events.bind(name.value).run(); !removed) return removed;
    return write_.remove_leases.bind(name.value).run();
  }

  Result<void> update(const job::Job& job) {
    const auto summary = job::summarize(job);
    const std::string text = job::encode_job(job);
    auto updated = write_.update.bind(to_ms(summary.last_modified))
                       .bind(job::is_ended(job) ? std::optional(to_ms(summary.last_modified)) : std::nullopt)
                       .bind(to_string(summary.primary))
                       .bind(to_string(summary.secondary))
                       .bind(std::int64_t{job::is_ended(job) ? 0 : 1})
                       .bind(static_cast<std::int64_t>(job.version))
                       .bind(text)
                       .bind(job.spec->name.value)
                       .bind(static_cast<std::int64_t>(job.version) - 1)
                       .run();
    if (!updated) return updated;
    // Someone else moved this job since we read it: decide again on what is there now.
    if (writer_->changes() != 1) {
      return fail(Kind::conflict, "job {}: version {} is not the stored one", job.spec->name.value, job.version - 1);
    }
    return {};
  }

  std::unique_ptr<Database> writer_;
  std::unique_ptr<Database> reader_;  // null for an in-memory store
  std::mutex mutex_;                  // guards reader_, or the one connection of an in-memory store
  RecentJobs recent_;                 // every change goes through commit()
  Writes write_;
  LeaseRows leases_;
  Reads read_;
};

}  // namespace

Result<std::unique_ptr<ports::JobStore>> open_sqlite_store(const std::string& path, std::optional<Instant> started) {
  auto writer = Database::open(path, false);
  if (!writer) return fail(writer.error());
  // FULL: a commit is on the disk when it returns, in WAL mode too.
  if (auto set = (*writer)->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
      !set)
    return fail(set.error(), "opening {}", path);
  if (auto migrated = migrate(**writer); !migrated) return fail(migrated.error(), "opening {}", path);
  if (started) {
    Statement note(**writer, "INSERT INTO starts (at_ms) VALUES (?)");
    if (auto noted = note.bind(to_ms(*started)).run(); !noted) return fail(noted.error(), "opening {}", path);
  }
  std::unique_ptr<Database> reader;
  if (path != ":memory:") {
    auto opened = Database::open(path, true);
    if (!opened) return fail(opened.error());
    reader = std::move(*opened);
  }
  return std::unique_ptr<ports::JobStore>(std::make_unique<SqliteStore>(std::move(*writer), std::move(reader)));
}

}  // namespace holdfast::store
