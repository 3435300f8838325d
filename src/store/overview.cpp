#include "store/overview.hpp"

#include "store/sqlite.hpp"

namespace holdfast::store {
namespace {

std::uint64_t count_of(const Statement& row, int column) { return static_cast<std::uint64_t>(row.integer(column)); }

template <class EachRow>
Result<void> each_row(Database& database, std::string_view sql, EachRow each) {
  Statement select(database, sql);
  for (;;) {
    const auto row = select.step();
    if (!row) return fail(row.error());
    if (!*row) return {};
    each(select);
  }
}

}  // namespace

Result<ports::Overview> read_overview(Database& database) {
  ports::Overview overview;
  auto read = each_row(database, "SELECT status, COUNT(*) FROM jobs GROUP BY status",
                       [&](const Statement& row) { overview.jobs[row.text(0)] = count_of(row, 1); });
  if (!read) return fail(read.error());
  read = each_row(database,
                  "SELECT secondary, COUNT(*), SUM(json_extract(job, '$.interruptions')), "
                  "COUNT(json_extract(job, '$.state.attempt.saved')), MIN(json_extract(job, '$.state.attempt.saved')) "
                  "FROM jobs WHERE live GROUP BY secondary",
                  [&](const Statement& row) {
                    overview.live_jobs[row.text(0)] = count_of(row, 1);
                    overview.live_interruptions += count_of(row, 2);
                    if (row.text(0) != "Training") return;
                    overview.saving_attempts = count_of(row, 3);
                    if (const auto saved = row.maybe_integer(4)) overview.oldest_save = from_ms(*saved);
                  });
  if (!read) return fail(read.error());
  read = each_row(database, "SELECT COUNT(*), COUNT(*) FILTER (WHERE gone_ms IS NULL) FROM leases",
                  [&](const Statement& row) {
                    overview.attempts = count_of(row, 0);
                    overview.leases = count_of(row, 1);
                  });
  if (!read) return fail(read.error());
  return overview;
}

}  // namespace holdfast::store
