// The metrics there are, by namespace, name and dimensions, a page at a time.
#include <nlohmann/json.hpp>

#include "api/operations/metric_requests.hpp"
#include "api/operations/operations.hpp"
#include "api/operations/page_token.hpp"
#include "api/rules.hpp"
#include "api/shapes/cloudwatch.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr Duration kRecently = hours{3};
// As on CloudWatch, where a metric without values for two weeks is found no more, though its values can be read.
constexpr Duration kListed = hours{24 * 14};

ports::MetricQuestion question_of(const json& request, Instant now) {
  ports::MetricQuestion question;
  question.space = request.value("Namespace", "");
  question.name = request.value("MetricName", "");
  for (const auto& filter : request.value("Dimensions", json::array())) {
    const auto name = filter.at("Name").get<std::string>();
    if (const auto value = filter.find("Value"); value != filter.end() && !value->is_null())
      question.with.emplace_back(name, value->get<std::string>());
    else
      question.with_any.push_back(name);
  }
  question.active_since = now - (request.contains("RecentlyActive") ? kRecently : kListed);
  return question;
}

// What follows the namespace in a token, as JSON; parsed only where the token was found to be ours.
std::string position_of(const ports::Metric& metric) {
  json dimensions = json::array();
  for (const auto& [name, value] : metric.dimensions) dimensions.push_back({name, value});
  return dump({metric.name, std::move(dimensions)});
}

std::optional<ports::Metric> metric_at(const PagePosition& position) {
  const json parts = json::parse(position.second, nullptr, false);
  if (!parts.is_array() || parts.size() != 2 || !parts[0].is_string() || !parts[1].is_array()) return std::nullopt;
  ports::Metric metric{position.first, parts[0].get<std::string>(), {}};
  for (const auto& pair : parts[1]) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) return std::nullopt;
    metric.dimensions.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
  }
  return metric;
}

}  // namespace

void list_metrics(const Call& call, Answer answer) {
  const json request = without_nulls(call.request);
  if (auto valid = validate(request, shapes::list_metrics_input()); !valid)
    return answer(tl::unexpected(in_words_of_cloudwatch(valid.error())));
  auto question = question_of(request, call.backends.clock.now());
  json asked = request;
  asked.erase("NextToken");
  if (const auto token = request.value("NextToken", ""); !token.empty()) {
    const auto position = read_page_token(token, dump(asked));
    question.after = position ? metric_at(*position) : std::nullopt;
    if (!question.after) return answer(invalid_value("The NextToken is not one that this request gave."));
  }
  const auto page = call.backends.metrics.list(question);
  if (!page) return answer(tl::unexpected(to_api_error(page.error())));
  json list = {{"Metrics", json::array()}};
  for (const auto& metric : page->metrics) list["Metrics"].push_back(to_json(metric));
  if (page->more) {
    const auto& last = page->metrics.back();
    list["NextToken"] = make_page_token({last.space, position_of(last)}, dump(asked));
  }
  answer(dump(list));
}

}  // namespace holdfast::api::operations
