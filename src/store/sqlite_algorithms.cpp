#include "store/sqlite_algorithms.hpp"

#include <cstdlib>
#include <mutex>

#include "store/schema.hpp"
#include "store/sqlite.hpp"
#include "store/tag_codec.hpp"

namespace holdfast::store {

namespace {

std::string list_sql(const ports::AlgorithmQuery& query) {
  const char* key = query.by_name ? "name" : "created_ms";
  const char* direction = query.ascending ? "ASC" : "DESC";
  std::string sql = "SELECT name, arn, created_ms, request, tags FROM algorithms WHERE 1";
  if (!query.name_contains.empty()) sql += " AND instr(name, ?)";
  if (query.created_after) sql += " AND created_ms > ?";
  if (query.created_before) sql += " AND created_ms < ?";
  if (query.after) sql += fmt::format(" AND ({0}, name) {1} (?, ?)", key, query.ascending ? ">" : "<");
  return sql + fmt::format(" ORDER BY {0} {1}, name {1} LIMIT ?", key, direction);
}

class SqliteAlgorithms final : public ports::AlgorithmStore {
 public:
  explicit SqliteAlgorithms(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  Result<void> add(const ports::Algorithm& algorithm) override {
    const std::lock_guard lock(mutex_);
    Statement insert(*database_, "INSERT INTO algorithms (name, arn, created_ms, request, tags) VALUES (?,?,?,?,?)");
    const std::string tags = encode_tags(algorithm.tags);
    return insert.bind(algorithm.name)
        .bind(algorithm.arn)
        .bind(to_ms(algorithm.created))
        .bind(algorithm.request)
        .bind(tags)
        .run();
  }

  Result<ports::Algorithm> find(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    return find_locked(name);
  }

  Result<ports::AlgorithmPage> list(const ports::AlgorithmQuery& query) override {
    const std::lock_guard lock(mutex_);
    Statement select(*database_, list_sql(query));
    if (!query.name_contains.empty()) select.bind(query.name_contains);
    for (const auto& bound : {query.created_after, query.created_before}) {
      if (bound) select.bind(to_ms(*bound));
    }
    if (query.after) {
      if (query.by_name) {
        select.bind(query.after->first);
      } else {
        select.bind(static_cast<std::int64_t>(std::strtoll(query.after->first.c_str(), nullptr, 10)));
      }
      select.bind(query.after->second);
    }
    select.bind(static_cast<std::int64_t>(query.limit) + 1);  // one more tells whether there is more
    ports::AlgorithmPage page;
    for (;;) {
      const auto row = select.step();
      if (!row) return fail(row.error());
      if (!*row) return page;
      if (page.algorithms.size() == query.limit) {
        const auto& last = page.algorithms.back();
        page.next = {query.by_name ? last.name : std::to_string(to_ms(last.created)), last.name};
        return page;
      }
      page.algorithms.push_back(read(select));
    }
  }

  Result<void> remove(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    Statement remove(*database_, "DELETE FROM algorithms WHERE name = ?");
    if (auto removed = remove.bind(name).run(); !removed) return removed;
    if (database_->changes() != 1) return not_found(name);
    return {};
  }

  Result<ports::Tags> change_tags(const std::string& name,
                                  const std::function<Result<ports::Tags>(const ports::Tags&)>& change) override {
    // Nobody else writes algorithms, so what is read here is what is replaced.
    const std::lock_guard lock(mutex_);
    const auto algorithm = find_locked(name);
    if (!algorithm) return fail(algorithm.error());
    auto tags = change(algorithm->tags);
    if (!tags) return tags;
    Statement update(*database_, "UPDATE algorithms SET tags = ? WHERE name = ?");
    const std::string text = encode_tags(*tags);
    if (auto updated = update.bind(text).bind(name).run(); !updated) return fail(updated.error());
    return tags;
  }

 private:
  static tl::unexpected<Error> not_found(const std::string& name) {
    return fail(Kind::not_found, "no algorithm is called '{}'", name);
  }
  static ports::Algorithm read(const Statement& row) {
    return {row.text(0), row.text(1), from_ms(row.integer(2)), row.text(3), decode_tags(row.text(4))};
  }

  Result<ports::Algorithm> find_locked(const std::string& name) {
    Statement select(*database_, "SELECT name, arn, created_ms, request, tags FROM algorithms WHERE name = ?");
    select.bind(name);
    const auto row = select.step();
    if (!row) return fail(row.error());
    if (!*row) return not_found(name);
    return read(select);
  }

  std::mutex mutex_;  // guards the connection
  std::unique_ptr<Database> database_;
};

}  // namespace

Result<std::unique_ptr<ports::AlgorithmStore>> open_sqlite_algorithms(const std::string& path) {
  auto database = Database::open(path, false);
  if (!database) return fail(database.error());
  if (auto set = (*database)->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"); !set)
    return fail(set.error(), "opening {}", path);
  if (auto migrated = migrate(**database); !migrated) return fail(migrated.error(), "opening {}", path);
  return std::unique_ptr<ports::AlgorithmStore>(std::make_unique<SqliteAlgorithms>(std::move(*database)));
}

}  // namespace holdfast::store
