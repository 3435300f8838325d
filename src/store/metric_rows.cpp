#include "store/metric_rows.hpp"

#include <nlohmann/json.hpp>

#include "store/schema.hpp"

namespace holdfast::store {
namespace {

using nlohmann::json;

constexpr int kMetricSchema = 1;
constexpr std::size_t kMaxKnownSeries = 100'000;

std::string point_table(std::size_t tier) { return fmt::format("points_{}", metrics::kTiers[tier].resolution.count()); }

std::string tables() {
  std::string sql = R"sql(
  CREATE TABLE series (
    id INTEGER PRIMARY KEY, space TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL, unit TEXT NOT NULL,
    last_ms INTEGER NOT NULL, UNIQUE (space, name, dimensions, unit));
  CREATE INDEX series_by_age ON series (last_ms);
  CREATE TABLE marks (
    source TEXT PRIMARY KEY, fence INTEGER NOT NULL, sequence INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
)sql";
  for (std::size_t tier = 0; tier < metrics::kTiers.size(); ++tier) {
    // One value: `sum` is it. One value many times: `low` is it. Else all of them.
    sql += fmt::format(
        "CREATE TABLE {} (series INTEGER NOT NULL, at INTEGER NOT NULL, samples REAL NOT NULL, sum REAL NOT NULL, "
        "low REAL, high REAL, distribution BLOB, PRIMARY KEY (series, at)) WITHOUT ROWID;",
        point_table(tier));
  }
  return sql;
}

std::int64_t seconds_of(Instant at) { return to_epoch_seconds(at); }

}  // namespace

Result<void> make_metric_tables(Database& database) {
  const auto version = schema_version(database);
  if (!version) return fail(version.error());
  if (*version > kMetricSchema)
    return fail(Kind::invalid, "the metrics were written by a newer Holdfast (schema {}): use that one", *version);
  if (*version == kMetricSchema) return {};
  auto made = database.execute(fmt::format("BEGIN;{} PRAGMA user_version = {}; COMMIT;", tables(), kMetricSchema));
  if (!made) static_cast<void>(database.execute("ROLLBACK"));
  return made;
}

std::string encode_dimensions(const ports::Dimensions& dimensions) {
  json list = json::array();
  for (const auto& [name, value] : dimensions) list.push_back({name, value});
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

ports::Dimensions decode_dimensions(const std::string& text) {
  ports::Dimensions dimensions;
  const json list = json::parse(text, nullptr, false);
  if (!list.is_array()) return dimensions;
  for (const auto& pair : list)
    if (pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string())
      dimensions.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
  return dimensions;
}

// ---- series

SeriesRows::SeriesRows(Database& database)
    : find_(database, "SELECT id, last_ms FROM series WHERE space=? AND name=? AND dimensions=? AND unit=?"),
      insert_(database, "INSERT INTO series (space, name, dimensions, unit, last_ms) VALUES (?,?,?,?,?) RETURNING id"),
      touch_(database, "UPDATE series SET last_ms=? WHERE id=?"),
      remove_(database, "DELETE FROM series WHERE id=?"),
      oldest_(database, "SELECT id FROM series ORDER BY last_ms, id LIMIT 1"),
      next_(database, "SELECT id, last_ms FROM series WHERE id>? ORDER BY id LIMIT 1"),
      count_rows_(database, "SELECT COUNT(*) FROM series") {}

Result<void> SeriesRows::load() {
  known_.clear();
  const auto row = count_rows_.step();
  if (!row) return fail(row.error());
  count_ = count_rows_.integer(0);
  count_rows_.reset();
  return {};
}

Result<void> SeriesRows::forget_all() { return load(); }

Result<SeriesRows::Known> SeriesRows::find_or_make(const ports::Metric& metric, const std::string& dimensions,
                                                   const std::string& unit, Instant at) {
  const auto found = find_.bind(metric.space).bind(metric.name).bind(dimensions).bind(unit).step();
  if (!found) return fail(found.error());
  if (*found) {
    const Known known{find_.integer(0), from_ms(find_.integer(1))};
    find_.reset();
    return known;
  }
  find_.reset();
  const auto made = insert_.bind(metric.space).bind(metric.name).bind(dimensions).bind(unit).bind(to_ms(at)).step();
  if (!made) return fail(made.error());
  const Known known{insert_.integer(0), at};
  insert_.reset();
  ++count_;
  return known;
}

Result<SeriesId> SeriesRows::touch(const ports::Metric& metric, const std::string& unit, Instant at) {
  at = metrics::floor_to(at, minutes{1});
  const std::string dimensions = encode_dimensions(metric.dimensions);
  // As JSON, in which no text can be taken for two.
  const std::string key =
      json{metric.space, metric.name, unit}.dump(-1, ' ', false, json::error_handler_t::replace) + dimensions;
  auto found = known_.find(key);
  if (found == known_.end()) {
    const auto known = find_or_make(metric, dimensions, unit, at);
    if (!known) return fail(known.error());
    if (known_.size() >= kMaxKnownSeries) known_.clear();
    found = known_.emplace(key, *known).first;
  }
  if (found->second.last < at) {
    if (auto touched = touch_.bind(to_ms(at)).bind(found->second.id).run(); !touched) return fail(touched.error());
    found->second.last = at;
  }
  return found->second.id;
}

Result<void> SeriesRows::remove(SeriesId id) {
  known_.clear();
  --count_;
  return remove_.bind(id).run();
}

Result<std::optional<SeriesId>> SeriesRows::oldest() {
  const auto row = oldest_.step();
  if (!row) return fail(row.error());
  std::optional<SeriesId> id;
  if (*row) id = oldest_.integer(0);
  oldest_.reset();
  return id;
}

Result<std::optional<SeriesRows::Row>> SeriesRows::next(SeriesId id) {
  const auto row = next_.bind(id).step();
  if (!row) return fail(row.error());
  std::optional<Row> found;
  if (*row) found = Row{next_.integer(0), from_ms(next_.integer(1))};
  next_.reset();
  return found;
}

// ---- points

PointRows::PointRows(Database& database, std::size_t tier)
    : find_(database,
            "SELECT samples, sum, low, high, distribution FROM " + point_table(tier) + " WHERE series=? AND at=?"),
      put_(database, "INSERT OR REPLACE INTO " + point_table(tier) +
                         " (series, at, samples, sum, low, high, distribution) VALUES (?,?,?,?,?,?,?)"),
      remove_(database, "DELETE FROM " + point_table(tier) + " WHERE series=? AND at<?"),
      read_(database, "SELECT samples, sum, low, high, distribution, at FROM " + point_table(tier) +
                          " WHERE series=? AND at>=? AND at<? ORDER BY at") {}

Result<metrics::Bucket> PointRows::bucket_of(const Statement& row, int first) const {
  const double samples = row.maybe_real(first).value_or(0);
  const double sum = row.maybe_real(first + 1).value_or(0);
  const auto low = row.maybe_real(first + 2);
  const auto high = row.maybe_real(first + 3);
  if (!high) {
    auto bucket = metrics::Bucket::of(low.value_or(sum), samples);
    bucket.sum = sum;
    return bucket;
  }
  auto distribution = metrics::Distribution::decode(row.blob(first + 4));
  if (!distribution) return fail(Kind::permanent, "the metric store holds a distribution that is none");
  return metrics::Bucket{samples, sum, low.value_or(0), *high, std::move(*distribution)};
}

Result<void> PointRows::merge(SeriesId series, Instant at, metrics::Bucket bucket) {
  const auto found = find_.bind(series).bind(seconds_of(at)).step();
  if (!found) return fail(found.error());
  if (*found) {
    auto there = bucket_of(find_, 0);
    find_.reset();
    if (!there) return fail(there.error());
    // The few new values into the many old ones.
    there->merge(bucket);
    bucket = std::move(*there);
  }
  find_.reset();
  std::optional<double> low, high;
  std::string distribution;
  if (bucket.minimum != bucket.maximum) {
    low = bucket.minimum;
    high = bucket.maximum;
    distribution = bucket.distribution.encode();
  } else if (bucket.samples != 1) {
    low = bucket.minimum;
  }
  return put_.bind(series)
      .bind(seconds_of(at))
      .bind(std::optional(bucket.samples))
      .bind(std::optional(bucket.sum))
      .bind(low)
      .bind(high)
      .bind_blob(distribution)
      .run();
}

Result<void> PointRows::remove_before(SeriesId series, Instant at) {
  return remove_.bind(series).bind(seconds_of(at)).run();
}

Result<std::vector<metrics::Point>> PointRows::read(SeriesId series, Instant from, Instant to) {
  read_.bind(series).bind(seconds_of(from)).bind(seconds_of(to + milliseconds{999}));
  std::vector<metrics::Point> points;
  for (;;) {
    const auto row = read_.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    auto bucket = bucket_of(read_, 0);
    if (!bucket) {
      read_.reset();
      return fail(bucket.error());
    }
    points.push_back({from_ms(read_.integer(5) * 1000), std::move(*bucket)});
  }
  read_.reset();
  return points;
}

}  // namespace holdfast::store
