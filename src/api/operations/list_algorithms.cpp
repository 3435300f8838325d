// Algorithms by page, as jobs are: see list_training_jobs.cpp.
#include <nlohmann/json.hpp>

#include "api/operations/list_request.hpp"
#include "api/operations/operations.hpp"
#include "api/operations/page_token.hpp"
#include "api/rules.hpp"
#include "api/shapes/algorithm.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

ports::AlgorithmQuery query_of(const json& request) {
  ports::AlgorithmQuery query;
  query.name_contains = text_of(request, "NameContains");
  query.created_after = time_of(request, "CreationTimeAfter");
  query.created_before = time_of(request, "CreationTimeBefore");
  query.by_name = text_of(request, "SortBy", "CreationTime") == "Name";
  query.ascending = text_of(request, "SortOrder", "Ascending") == "Ascending";
  query.limit = limit_of(request);
  return query;
}

json summary_of(const ports::Algorithm& algorithm) {
  json summary = {{"AlgorithmName", algorithm.name},
                  {"AlgorithmArn", algorithm.arn},
                  {"CreationTime", to_wire_time(algorithm.created)},
                  {"AlgorithmStatus", "Completed"}};
  const json request = json::parse(algorithm.request);
  if (request.contains("AlgorithmDescription")) summary["AlgorithmDescription"] = request["AlgorithmDescription"];
  return summary;
}

}  // namespace

void list_algorithms(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::list_algorithms_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  auto query = query_of(call.request);
  const std::string question = question_of(call.request);
  if (const std::string token = text_of(call.request, "NextToken"); !token.empty()) {
    query.after = read_page_token(token, question);
    if (!query.after) return answer(tl::unexpected(wrong_page_token()));
  }
  const auto page = call.backends.algorithms.list(query);
  if (!page) return answer(tl::unexpected(to_api_error(page.error())));
  json list = {{"AlgorithmSummaryList", json::array()}};
  for (const auto& algorithm : page->algorithms) list["AlgorithmSummaryList"].push_back(summary_of(algorithm));
  if (page->next) list["NextToken"] = make_page_token(*page->next, question);
  answer(dump(list));
}

}  // namespace holdfast::api::operations
