#include "store/metric_store.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <tuple>

#include "store/metric_rows.hpp"

namespace holdfast::store {
namespace {

using nlohmann::json;

// Series looked through with each put, for what is no longer kept.
constexpr int kTidiedWithEachPut = 8;
constexpr Duration kTidyEvery = minutes{10};
// An attempt's last batch is repeated within its agent's life, which is far shorter.
constexpr Duration kMarksKept = hours{24 * 64};
// A clock that is so far ahead is wrong, and its values would outlive all others.
constexpr Duration kFarthestAhead = hours{24};

struct Rows {
  explicit Rows(Database& database)
      : series(database),
        points{PointRows(database, 0), PointRows(database, 1), PointRows(database, 2), PointRows(database, 3)},
        begin(database, "BEGIN IMMEDIATE"),
        commit(database, "COMMIT"),
        rollback(database, "ROLLBACK"),
        find_mark(database, "SELECT fence, sequence FROM marks WHERE source=?"),
        put_mark(database, "INSERT OR REPLACE INTO marks (source, fence, sequence, at_ms) VALUES (?,?,?,?)"),
        remove_marks(database, "DELETE FROM marks WHERE at_ms<?"),
        used_bytes(database,
                   "SELECT (c.page_count - f.freelist_count) * s.page_size "
                   "FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s") {}

  SeriesRows series;
  std::array<PointRows, metrics::kTiers.size()> points;
  Statement begin, commit, rollback, find_mark, put_mark, remove_marks, used_bytes;
};

class SqliteMetricStore final : public ports::MetricStore {
 public:
  SqliteMetricStore(std::unique_ptr<Database> writer, std::unique_ptr<Database> reader, Clock& clock,
                    MetricLimits limits)
      : clock_(clock), limits_(limits), writer_(std::move(writer)), reader_(std::move(reader)), write_(*writer_) {
    for (std::size_t tier = 0; tier < metrics::kTiers.size(); ++tier)
      read_points_.push_back(std::make_unique<PointRows>(reading(), tier));
    find_series_ = std::make_unique<Statement>(
        reading(), "SELECT id, unit FROM series WHERE space=? AND name=? AND dimensions=? ORDER BY unit");
  }

  Result<void> load() { return write_.series.load(); }

  Result<void> put(const std::vector<ports::Measurement>& measurements,
                   const std::optional<ports::PutMark>& mark) override {
    const std::lock_guard lock(write_mutex_);
    if (auto begun = write_.begin.run(); !begun) return begun;
    auto done = put_all(measurements, mark);
    if (done) done = write_.commit.run();
    if (done) return {};
    // What failed is what the caller must hear of; a rollback that fails too leaves nothing behind either.
    if (!sqlite3_get_autocommit(writer_->handle())) static_cast<void>(write_.rollback.run());
    static_cast<void>(write_.series.forget_all());
    return done;
  }

  Result<std::vector<ports::UnitPoints>> read(const ports::Metric& metric, const std::string& unit, std::size_t tier,
                                              Instant from, Instant to) override {
    // Exactly what is kept, however far the tidying has come.
    from = std::max(from, clock_.now() - metrics::kTiers[tier].kept);
    const std::lock_guard lock(read_mutex());
    const auto series = series_of(metric);
    if (!series) return fail(series.error());
    std::vector<ports::UnitPoints> found;
    for (const auto& [id, its_unit] : *series) {
      if (!unit.empty() && unit != its_unit) continue;
      auto points = read_points_[tier]->read(id, from, to);
      if (!points) return fail(points.error());
      if (!points->empty()) found.push_back({its_unit, std::move(*points)});
    }
    return found;
  }

  Result<ports::MetricPage> list(const ports::MetricQuestion& question) override {
    std::vector<std::string> texts;
    std::string sql = "SELECT space, name, dimensions FROM series WHERE 1";
    const auto where = [&](const char* condition, std::string text) {
      sql += condition;
      texts.push_back(std::move(text));
    };
    if (!question.space.empty()) where(" AND space = ?", question.space);
    if (!question.name.empty()) where(" AND name = ?", question.name);
    // A pair's JSON cannot be a part of another text's: that has its quotes escaped.
    for (const auto& pair : question.with) {
      const std::string one = encode_dimensions({pair});
      where(" AND instr(dimensions, ?)", one.substr(1, one.size() - 2));
    }
    for (const auto& name : question.with_any) where(" AND instr(dimensions, ?)", "[" + json(name).dump() + ",");
    if (question.after) {
      sql += " AND (space, name, dimensions) > (?, ?, ?)";
      for (auto text : {question.after->space, question.after->name, encode_dimensions(question.after->dimensions)})
        texts.push_back(std::move(text));
    }
    if (question.active_since) sql += fmt::format(" AND last_ms >= {}", to_ms(*question.active_since));
    sql +=
        fmt::format(" GROUP BY space, name, dimensions ORDER BY space, name, dimensions LIMIT {}", question.limit + 1);

    const std::lock_guard lock(read_mutex());
    Statement select(reading(), sql);
    for (const auto& text : texts) select.bind(text);
    ports::MetricPage page;
    for (;;) {
      const auto row = select.step();
      if (!row) return fail(row.error());
      if (!*row) return page;
      if (page.metrics.size() == question.limit) {
        page.more = true;
        return page;
      }
      page.metrics.push_back({select.text(0), select.text(1), decode_dimensions(select.text(2))});
    }
  }

 private:
  Database& reading() { return reader_ ? *reader_ : *writer_; }
  // An in-memory store has one connection for both.
  std::mutex& read_mutex() { return reader_ ? read_mutex_ : write_mutex_; }

  Result<std::vector<std::pair<SeriesId, std::string>>> series_of(const ports::Metric& metric) {
    const std::string dimensions = encode_dimensions(metric.dimensions);
    find_series_->bind(metric.space).bind(metric.name).bind(dimensions);
    std::vector<std::pair<SeriesId, std::string>> found;
    for (;;) {
      const auto row = find_series_->step();
      if (!row) return fail(row.error());
      if (!*row) break;
      found.emplace_back(find_series_->integer(0), find_series_->text(1));
    }
    find_series_->reset();
    return found;
  }

  // ---- inside a transaction
  Result<void> put_all(const std::vector<ports::Measurement>& measurements, const std::optional<ports::PutMark>& mark) {
    const Instant now = clock_.now();
    if (mark) {
      const auto is_new = take_mark(*mark, now);
      if (!is_new) return fail(is_new.error());
      if (!*is_new) return {};
    }
    if (auto room = make_room(measurements.size()); !room) return room;
    // Gathered first: many values of one minute are one row.
    std::map<std::tuple<std::size_t, SeriesId, Instant>, metrics::Bucket> rows;
    for (const auto& measured : measurements) {
      if (measured.at < now - metrics::kKeptLongest || measured.at > now + kFarthestAhead) continue;
      const auto id = write_.series.touch(measured.metric, measured.unit, measured.at);
      if (!id) return fail(id.error());
      const Instant at = measured.by_the_second ? measured.at : metrics::floor_to(measured.at, minutes{1});
      for (std::size_t tier = 0; tier < metrics::kTiers.size(); ++tier) {
        const auto& [resolution, kept] = metrics::kTiers[tier];
        if (at >= now - kept) rows[{tier, *id, metrics::floor_to(at, resolution)}].merge(measured.values);
      }
    }
    for (auto& [where, bucket] : rows) {
      const auto& [tier, series, at] = where;
      if (auto merged = write_.points[tier].merge(series, at, std::move(bucket)); !merged) return merged;
    }
    return tidy(now);
  }

  Result<bool> take_mark(const ports::PutMark& mark, Instant now) {
    const auto found = write_.find_mark.bind(mark.source).step();
    if (!found) return fail(found.error());
    const auto fence = static_cast<std::int64_t>(mark.fence.value);
    const auto sequence = static_cast<std::int64_t>(mark.sequence);
    const bool known =
        *found && std::pair(write_.find_mark.integer(0), write_.find_mark.integer(1)) >= std::pair(fence, sequence);
    write_.find_mark.reset();
    if (known) return false;
    auto put = write_.put_mark.bind(mark.source).bind(fence).bind(sequence).bind(to_ms(now)).run();
    if (!put) return fail(put.error());
    return true;
  }

  // For as many series, should all of them be new. Not one at a time later on: a series that this very put writes to
  // must not be removed by it.
  Result<void> make_room(std::size_t wanted) {
    const auto room_from = std::max<std::int64_t>(limits_.series - static_cast<std::int64_t>(wanted), 0);
    while (write_.series.count() > room_from)
      if (auto removed = remove_oldest(); !removed) return removed;
    return {};
  }
  Result<void> remove_oldest() {
    const auto oldest = write_.series.oldest();
    if (!oldest) return fail(oldest.error());
    return *oldest ? remove(**oldest) : Result<void>{};
  }
  Result<void> remove(SeriesId id) {
    for (auto& points : write_.points)
      if (auto removed = points.remove_before(id, Instant::max()); !removed) return removed;
    return write_.series.remove(id);
  }

  Result<void> tidy(Instant now) {
    if (tidied_up_to_ == 0) {
      if (now < next_round_ && now > next_round_ - 2 * kTidyEvery) return {};
      next_round_ = now + kTidyEvery;
      if (auto removed = write_.remove_marks.bind(to_ms(now - kMarksKept)).run(); !removed) return removed;
      if (auto measured = measure(); !measured) return measured;
    }
    for (int i = 0; i < kTidiedWithEachPut; ++i) {
      // Never the last one: the newest value is always there.
      if (too_large_ && write_.series.count() > 1) {
        if (auto removed = remove_oldest(); !removed) return removed;
        continue;
      }
      const auto row = write_.series.next(tidied_up_to_);
      if (!row) return fail(row.error());
      tidied_up_to_ = *row ? (*row)->id : 0;
      if (!*row) break;
      if (auto tidied = tidy(**row, now); !tidied) return tidied;
    }
    return too_large_ ? measure() : Result<void>{};
  }
  Result<void> tidy(const SeriesRows::Row& row, Instant now) {
    if (row.last < now - metrics::kKeptLongest) return remove(row.id);
    for (std::size_t tier = 0; tier < metrics::kTiers.size(); ++tier) {
      if (auto removed = write_.points[tier].remove_before(row.id, now - metrics::kTiers[tier].kept); !removed)
        return removed;
    }
    return {};
  }
  Result<void> measure() {
    const auto row = write_.used_bytes.step();
    if (!row) return fail(row.error());
    too_large_ = write_.used_bytes.integer(0) > limits_.bytes;
    write_.used_bytes.reset();
    return {};
  }

  Clock& clock_;
  const MetricLimits limits_;
  std::mutex write_mutex_, read_mutex_;
  std::unique_ptr<Database> writer_, reader_;  // no reader for an in-memory store
  Rows write_;
  std::vector<std::unique_ptr<PointRows>> read_points_;
  std::unique_ptr<Statement> find_series_;
  SeriesId tidied_up_to_ = 0;  // 0: a round is complete
  Instant next_round_;
  bool too_large_ = false;
};

}  // namespace

Result<std::unique_ptr<ports::MetricStore>> open_metric_store(const std::string& path, Clock& clock,
                                                              MetricLimits limits) {
  auto writer = Database::open(path, false);
  if (!writer) return fail(writer.error());
  // NORMAL: what is committed survives the process; the machine's fall takes at most the last moments.
  // A put of forty metrics rewrites some 160 pages, for the most part those of the put before: the log may grow to 32
  // MiB before they go, once each, to their place.
  if (auto set = (*writer)->execute(
          "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8192;");
      !set)
    return fail(set.error(), "opening {}", path);
  if (auto made = make_metric_tables(**writer); !made) return fail(made.error(), "opening {}", path);
  std::unique_ptr<Database> reader;
  if (path != ":memory:") {
    auto opened = Database::open(path, true);
    if (!opened) return fail(opened.error());
    reader = std::move(*opened);
  }
  auto store = std::make_unique<SqliteMetricStore>(std::move(*writer), std::move(reader), clock, limits);
  if (auto loaded = store->load(); !loaded) return fail(loaded.error(), "opening {}", path);
  return store;
}

}  // namespace holdfast::store
