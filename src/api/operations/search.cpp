// Finds training jobs by anything that Describe shows of them. Each page looks through all jobs, a few hundred at a
// time so that nobody waits behind it, and keeps one page's worth: the cost is in docs/sagemaker.md.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/operations/list_request.hpp"
#include "api/operations/operations.hpp"
#include "api/operations/page_token.hpp"
#include "api/rules.hpp"
#include "api/search/expression.hpp"
#include "api/search/job_record.hpp"
#include "api/search/page.hpp"
#include "api/shapes/search.hpp"
#include "api/without_nulls.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr std::size_t kRowsAtOnce = 256;

template <class T>
using Checked = tl::expected<T, ApiError>;

struct Question {
  std::optional<search::Expression> expression;
  search::Property sort_by;
};

Checked<Question> question_in(const json& request) {
  if (const std::string resource = request.at("Resource"); resource != "TrainingJob")
    return tl::unexpected(validation(fmt::format("Resource {} cannot be searched here. Use TrainingJob.", resource)));
  Question question;
  if (request.contains("SearchExpression")) {
    auto compiled = search::Expression::compile(request["SearchExpression"]);
    if (!compiled) return tl::unexpected(validation(std::move(compiled.error())));
    question.expression = std::move(*compiled);
  }
  const std::string name = text_of(request, "SortBy", "LastModifiedTime");
  auto property = search::find_property(name);
  if (!property || property->type == search::Type::structure)
    return tl::unexpected(validation(fmt::format("SortBy '{}' is not a property that jobs can be sorted by.", name)));
  question.sort_by = std::move(*property);
  return question;
}

Checked<search::Page> empty_page(const json& request, const std::string& about) {
  std::optional<search::SortKey> after;
  if (const std::string token = text_of(request, "NextToken"); !token.empty()) {
    const auto position = read_page_token(token, about);
    if (position) after = search::decode_key(position->first, position->second);
    if (!after) return tl::unexpected(wrong_page_token());
  }
  const bool ascending = text_of(request, "SortOrder", "Descending") == "Ascending";
  return search::Page(limit_of(request), ascending, std::move(after));
}

Result<void> fill(search::Page& page, const Question& question, const Backends& backends, const std::string& visible) {
  for (JobName after;;) {
    auto rows = backends.store.scan(after, kRowsAtOnce);
    if (!rows) return fail(rows.error());
    for (auto& row : *rows) {
      if (!row.summary.name.value.starts_with(visible)) continue;
      const search::JobRecord record(row, backends.telemetry);
      if (question.expression && !question.expression->matches(record)) continue;
      auto key = search::sort_key(record, question.sort_by, row.summary.name.value);
      if (page.wants(key)) page.add(std::move(key), row);
    }
    if (rows->size() < kRowsAtOnce) return {};
    after = rows->back().summary.name;
  }
}

}  // namespace

void search(const Call& call, Answer answer) {
  if (auto valid = validate(call.request, shapes::search_input()); !valid) return answer(tl::unexpected(valid.error()));
  const json request = without_nulls(call.request);
  const auto question = question_in(request);
  if (!question) return answer(tl::unexpected(question.error()));
  const std::string about = question_of(request);
  auto page = empty_page(request, about);
  if (!page) return answer(tl::unexpected(page.error()));
  json found = {{"Results", json::array()}};
  const auto visible = visible_jobs(call.principal.policy);
  if (!visible) return answer(dump(found));
  if (const auto filled = fill(*page, *question, call.backends, *visible); !filled)
    return answer(tl::unexpected(to_api_error(filled.error())));
  for (const auto* row : page->rows()) {
    auto record = search::whole_record(*row, call.backends.telemetry);
    if (!record) return answer(tl::unexpected(to_api_error(record.error())));
    found["Results"].push_back({{"TrainingJob", std::move(*record)}});
  }
  if (const auto next = page->next()) found["NextToken"] = make_page_token({search::encode(*next), next->name}, about);
  answer(dump(found));
}

}  // namespace holdfast::api::operations
