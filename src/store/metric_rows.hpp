// The tables of the metric store, statement by statement. Not thread-safe, and in no transaction of its own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "ports/metrics.hpp"
#include "store/sqlite.hpp"

namespace holdfast::store {

using SeriesId = std::int64_t;

// Makes the tables where there are none. Kind::invalid: a newer Holdfast wrote them.
Result<void> make_metric_tables(Database& database);

// [["Host","a/algo-1"]]: as text, so that it can be compared and searched.
std::string encode_dimensions(const ports::Dimensions& dimensions);
ports::Dimensions decode_dimensions(const std::string& text);

// Who has values: a metric and a unit.
class SeriesRows {
 public:
  explicit SeriesRows(Database& database);
  Result<void> load();  // once, before anything else

  std::int64_t count() const { return count_; }
  // Makes it, where it is new; `at` is remembered as the time of its last value, to the minute.
  Result<SeriesId> touch(const ports::Metric& metric, const std::string& unit, Instant at);
  // What was learned inside a transaction that has failed.
  Result<void> forget_all();
  Result<void> remove(SeriesId id);
  // The one whose last value is oldest.
  Result<std::optional<SeriesId>> oldest();

  struct Row {
    SeriesId id = 0;
    Instant last;
  };
  // The one behind `id`.
  Result<std::optional<Row>> next(SeriesId id);

 private:
  struct Known {
    SeriesId id = 0;
    Instant last;
  };
  Result<Known> find_or_make(const ports::Metric& metric, const std::string& dimensions, const std::string& unit,
                             Instant at);

  Statement find_, insert_, touch_, remove_, oldest_, next_, count_rows_;
  std::unordered_map<std::string, Known> known_;
  std::int64_t count_ = 0;
};

// The values of one tier.
class PointRows {
 public:
  PointRows(Database& database, std::size_t tier);
  // Adds to what is there.
  Result<void> merge(SeriesId series, Instant at, metrics::Bucket bucket);
  Result<void> remove_before(SeriesId series, Instant at);
  Result<std::vector<metrics::Point>> read(SeriesId series, Instant from, Instant to);

 private:
  Result<metrics::Bucket> bucket_of(const Statement& row, int first) const;

  Statement find_, put_, remove_, read_;
};

}  // namespace holdfast::store
