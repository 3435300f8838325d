// Many metrics at once, and arithmetic on them. A page ends after MaxDatapoints; its token says at which query and
// instant the next one begins, so values that arrive meanwhile neither repeat nor hide any.
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "api/operations/metric_requests.hpp"
#include "api/operations/operations.hpp"
#include "api/operations/page_token.hpp"
#include "api/rules.hpp"
#include "api/shapes/cloudwatch.hpp"
#include "metrics/expression.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxDatapoints = 100'800;

struct Query {
  std::string id, label;
  bool returned = true;
  std::int64_t period = 0;  // of an expression: that of all its operands
  // Either of the two.
  std::optional<PeriodQuestion> question;
  metrics::Statistic statistic;
  std::optional<metrics::Expression> expression;
  bool settled = false;  // an expression whose period is known
};

tl::unexpected<ApiError> refused(const std::string& id, const std::string& why) {
  return tl::unexpected(validation(fmt::format("The query '{}' cannot be answered: {}", id, why)));
}

Metrics<Query> stat_query(const json& item, Query query, Instant start, Instant end) {
  const auto& stat = item.at("MetricStat");
  if (item.contains("Period")) return refused(query.id, "give the Period within MetricStat only.");
  auto metric = metric_of(stat.at("Metric"), fmt::format("{}.MetricStat.Metric.", query.id));
  if (!metric) return tl::unexpected(metric.error());
  const auto statistic = metrics::parse_statistic(stat.at("Stat").get<std::string>());
  if (!statistic) return refused(query.id, statistic.error().message);
  query.statistic = *statistic;
  query.period = stat.at("Period").get<std::int64_t>();
  if (auto checked = check_periods(query.period, start, end); !checked)
    return refused(query.id, checked.error().message);
  if (query.label.empty()) query.label = metric->name;
  query.question = PeriodQuestion{std::move(*metric), stat.value("Unit", ""), seconds{query.period}, start, end};
  return query;
}

Metrics<Query> query_of(const json& item, Instant start, Instant end) {
  Query query;
  query.id = item.at("Id").get<std::string>();
  query.label = item.value("Label", "");
  query.returned = item.value("ReturnData", true);
  if (query.label.find("${") != std::string::npos)
    return refused(query.id, "labels are taken as they are; expressions such as ${MAX} in them are not supported.");
  if (item.contains("MetricStat") == item.contains("Expression"))
    return refused(query.id, "it must have either a MetricStat or an Expression.");
  if (item.contains("MetricStat")) return stat_query(item, std::move(query), start, end);
  auto expression = metrics::Expression::parse(item.at("Expression").get<std::string>());
  if (!expression) return refused(query.id, expression.error().message);
  query.expression = std::move(*expression);
  query.period = item.value("Period", std::int64_t{0});
  if (query.label.empty()) query.label = query.id;
  return query;
}

// All queries of a request, by their order and by their Ids, with what they are worth.
class Queries {
 public:
  Queries(ports::MetricStore& metrics, Instant now) : metrics_(metrics), now_(now) {}

  Metrics<void> read(const json& request) {
    const Instant start = to_instant(request.at("StartTime").get<double>());
    const Instant end = to_instant(request.at("EndTime").get<double>());
    for (const auto& item : request.at("MetricDataQueries")) {
      auto query = query_of(item, start, end);
      if (!query) return tl::unexpected(query.error());
      if (!by_id_.emplace(query->id, queries_.size()).second)
        return refused(query->id, "another query has the same Id.");
      queries_.push_back(std::move(*query));
    }
    for (auto& query : queries_) {
      std::set<std::string> within;
      if (const auto period = settle_period(query, within); !period) return tl::unexpected(period.error());
    }
    return {};
  }
  const std::vector<Query>& all() const { return queries_; }

  // Kept once it was needed: several expressions may speak of it.
  Result<const metrics::Series*> series_of(const Query& query) {
    const auto known = series_.find(query.id);
    if (known != series_.end()) return &known->second;
    auto series = query.question ? measured(query) : calculated(query);
    if (!series) return fail(series.error());
    return &series_.emplace(query.id, std::move(*series)).first->second;
  }

 private:
  // An expression's operands must have one period in common. `within`: the expressions that lead here.
  Metrics<std::int64_t> settle_period(Query& query, std::set<std::string>& within) {
    if (query.question || query.settled) return query.period;
    if (!within.insert(query.id).second) return refused(query.id, "it leads back to itself.");
    for (const auto& id : query.expression->ids()) {
      const auto found = by_id_.find(id);
      if (found == by_id_.end()) return refused(query.id, fmt::format("there is no query with the Id '{}'.", id));
      const auto period = settle_period(queries_[found->second], within);
      if (!period) return period;
      if (query.period != 0 && query.period != *period)
        return refused(query.id, "it and all that it speaks of must have the same Period.");
      query.period = *period;
    }
    query.settled = true;
    return query.period;
  }

  Result<metrics::Series> measured(const Query& query) {
    const auto read = read_periods(metrics_, *query.question, now_);
    if (!read) return fail(read.error());
    // Whatever their units, values of one period are one.
    std::map<Instant, metrics::Bucket> buckets;
    for (const auto& [unit, points] : *read)
      for (const auto& point : points) buckets[point.at].merge(point.bucket);
    metrics::Series series;
    for (const auto& [at, bucket] : buckets)
      if (const auto value = metrics::value_of(bucket, query.statistic)) series.emplace_hint(series.end(), at, *value);
    return series;
  }
  Result<metrics::Series> calculated(const Query& query) {
    std::map<std::string, const metrics::Series*> operands;
    for (const auto& id : query.expression->ids()) {
      const auto series = series_of(queries_[by_id_.at(id)]);
      if (!series) return fail(series.error());
      operands.emplace(id, *series);
    }
    return query.expression->evaluate(operands);
  }

  ports::MetricStore& metrics_;
  Instant now_;
  std::vector<Query> queries_;
  std::map<std::string, std::size_t> by_id_;
  std::map<std::string, metrics::Series> series_;
};

// Where a page begins: after `after` of the query with that index, or with its first value.
struct Position {
  std::size_t query = 0;
  std::optional<Instant> after;
};

std::optional<std::int64_t> integer_of(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<Position> position_of(const std::string& token, const std::string& question) {
  const auto read = read_page_token(token, question);
  if (!read) return std::nullopt;
  const auto query = integer_of(read->first);
  if (!query || *query < 0) return std::nullopt;
  Position position{static_cast<std::size_t>(*query), {}};
  if (read->second.empty()) return position;
  const auto after = integer_of(read->second);
  if (!after) return std::nullopt;
  position.after = from_ms(*after);
  return position;
}

class Page {
 public:
  Page(std::size_t room, bool ascending) : room_(room), ascending_(ascending) {}

  // Only while there is room. Where the next page goes on; nothing: this query is told to its end.
  std::optional<Instant> add(const Query& query, const metrics::Series& series, std::optional<Instant> after) {
    json times = json::array();
    json values = json::array();
    std::optional<Instant> last;
    const auto each = [&](auto begin, auto end) {
      for (auto point = begin; point != end; ++point) {
        if (room_ == 0) return false;
        times.push_back(to_wire_time(point->first));
        values.push_back(point->second);
        last = point->first;
        --room_;
      }
      return true;
    };
    const bool whole =
        ascending_
            ? each(after ? series.upper_bound(*after) : series.begin(), series.end())
            : each(after ? std::make_reverse_iterator(series.lower_bound(*after)) : series.rbegin(), series.rend());
    results_.push_back({{"Id", query.id},
                        {"Label", query.label},
                        {"Timestamps", std::move(times)},
                        {"Values", std::move(values)},
                        {"StatusCode", whole ? "Complete" : "PartialData"}});
    return whole ? std::nullopt : last;
  }
  bool full() const { return room_ == 0; }
  json take() { return std::move(results_); }

 private:
  std::size_t room_;
  bool ascending_;
  json results_ = json::array();
};

}  // namespace

void get_metric_data(const Call& call, Answer answer) {
  const json request = without_nulls(call.request);
  if (auto valid = validate(request, shapes::get_metric_data_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  Queries queries(call.backends.metrics, call.backends.clock.now());
  if (auto read = queries.read(request); !read) return answer(tl::unexpected(read.error()));
  json asked = request;
  asked.erase("NextToken");
  const std::string question = dump(asked);
  Position position;
  if (const auto token = request.value("NextToken", ""); !token.empty()) {
    const auto given = position_of(token, question);
    if (!given) {
      return answer(
          tl::unexpected(ApiError{400, "InvalidNextToken", "The NextToken is not one that this request gave."}));
    }
    position = *given;
  }
  Page page(request.value("MaxDatapoints", kMaxDatapoints),
            request.value("ScanBy", "TimestampDescending") == "TimestampAscending");
  json told = {{"Messages", json::array()}};
  for (std::size_t i = position.query; i < queries.all().size(); ++i) {
    const auto& query = queries.all()[i];
    if (!query.returned) continue;
    if (page.full()) {
      told["NextToken"] = make_page_token({std::to_string(i), ""}, question);
      break;
    }
    const auto series = queries.series_of(query);
    if (!series) return answer(tl::unexpected(to_api_error(series.error())));
    const auto rest = page.add(query, **series, i == position.query ? position.after : std::nullopt);
    if (!rest) continue;
    told["NextToken"] = make_page_token({std::to_string(i), std::to_string(to_ms(*rest))}, question);
    break;
  }
  told["MetricDataResults"] = page.take();
  answer(dump(told));
}

}  // namespace holdfast::api::operations
