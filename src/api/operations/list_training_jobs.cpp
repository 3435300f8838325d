// Jobs by page. A token says where the page before ended, not how many came before it, so jobs that are added
// meanwhile neither repeat nor hide any.
#include <nlohmann/json.hpp>

#include "api/operations/list_request.hpp"
#include "api/operations/operations.hpp"
#include "api/operations/page_token.hpp"
#include "api/rules.hpp"
#include "api/shapes/training_job.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

ports::ListQuery query_of(const json& request) {
  ports::ListQuery query;
  query.name_contains = text_of(request, "NameContains");
  query.status = text_of(request, "StatusEquals");
  query.created_after = time_of(request, "CreationTimeAfter");
  query.created_before = time_of(request, "CreationTimeBefore");
  query.modified_after = time_of(request, "LastModifiedTimeAfter");
  query.modified_before = time_of(request, "LastModifiedTimeBefore");
  const std::string sort_by = text_of(request, "SortBy", "CreationTime");
  query.sort_by = sort_by == "Name"     ? ports::SortBy::name
                  : sort_by == "Status" ? ports::SortBy::status
                                        : ports::SortBy::created;
  // SageMaker's model calls Ascending the default, but its pages describe, and its service shows, the newest first.
  query.ascending = text_of(request, "SortOrder", "Descending") == "Ascending";
  query.limit = limit_of(request);
  return query;
}

json summary_of(const ports::JobSummary& job) {
  json summary = {{"TrainingJobName", job.name.value},         {"TrainingJobArn", job.arn},
                  {"CreationTime", to_wire_time(job.created)}, {"LastModifiedTime", to_wire_time(job.modified)},
                  {"TrainingJobStatus", job.primary},          {"SecondaryStatus", job.secondary}};
  if (job.ended) summary["TrainingEndTime"] = to_wire_time(*job.ended);
  return summary;
}

}  // namespace

void list_training_jobs(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::list_training_jobs_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  json list = {{"TrainingJobSummaries", json::array()}};
  // No job here has a warm pool.
  if (!text_of(call.request, "WarmPoolStatusEquals").empty()) return answer(dump(list));

  auto query = query_of(call.request);
  auto visible = visible_jobs(call.principal.policy);
  if (!visible) return answer(dump(list));
  query.name_prefix = std::move(*visible);
  const std::string question = question_of(call.request);
  if (const std::string token = text_of(call.request, "NextToken"); !token.empty()) {
    query.after = read_page_token(token, question);
    if (!query.after) return answer(tl::unexpected(wrong_page_token()));
  }
  const auto page = call.backends.store.list(query);
  if (!page) return answer(tl::unexpected(to_api_error(page.error())));
  for (const auto& job : page->jobs) list["TrainingJobSummaries"].push_back(summary_of(job));
  if (page->next) list["NextToken"] = make_page_token(*page->next, question);
  answer(dump(list));
}

}  // namespace holdfast::api::operations
