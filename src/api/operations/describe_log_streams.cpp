// The streams of a group, by name or by the time of their last event. A training has one for each of its hosts, over
// all of its attempts.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/operations/page_token.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

struct Question {
  std::string group;
  std::string prefix;
  bool by_time = false;
  bool descending = false;
  std::string text() const { return fmt::format("{}\n{}\n{}{}", group, prefix, by_time, descending); }
};

json to_json(const Backends& backends, const std::string& group, const ports::LogStreamFacts& stream) {
  json shown = {{"logStreamName", stream.name},
                {"creationTime", stream.created_ms},
                {"arn", log_stream_arn(backends, group, stream.name)},
                {"storedBytes", 0}};
  if (stream.first_event_ms) shown["firstEventTimestamp"] = *stream.first_event_ms;
  if (stream.last_event_ms) shown["lastEventTimestamp"] = *stream.last_event_ms;
  if (stream.last_ingestion_ms) shown["lastIngestionTime"] = *stream.last_ingestion_ms;
  return shown;
}

// Where a stream stands in the list: times with their digits in order, the sign aside.
PagePosition position_of(const Question& question, const ports::LogStreamFacts& stream) {
  if (!question.by_time) return {"", stream.name};
  return {fmt::format("{:020d}", std::max<std::int64_t>(0, stream.last_event_ms.value_or(0))), stream.name};
}

// In order, and behind `after`. By name, nothing is known of a stream but its name.
CheckedLogs<std::vector<ports::LogStreamFacts>> list(const Call& call, const Question& question,
                                                     const std::optional<PagePosition>& after) {
  const auto names = visible_streams(call, question.group, question.prefix);
  if (!names) return tl::unexpected(names.error());
  std::vector<std::pair<PagePosition, ports::LogStreamFacts>> streams;
  for (const auto& name : *names) {
    ports::LogStreamFacts stream;
    stream.name = name;
    if (question.by_time) {
      const auto facts = call.backends.logs.facts(question.group, name);
      if (!facts && facts.error().kind == Kind::not_found) continue;  // deleted meanwhile
      if (!facts) return tl::unexpected(log_failure(facts.error()));
      stream = *facts;
    }
    auto position = position_of(question, stream);
    if (after && (question.descending ? position >= *after : position <= *after)) continue;
    streams.emplace_back(std::move(position), std::move(stream));
  }
  std::sort(streams.begin(), streams.end(), [&](const auto& one, const auto& other) {
    return question.descending ? one.first > other.first : one.first < other.first;
  });
  std::vector<ports::LogStreamFacts> ordered;
  ordered.reserve(streams.size());
  for (auto& [position, stream] : streams) ordered.push_back(std::move(stream));
  return ordered;
}

}  // namespace

void describe_log_streams(const Call& call, Answer answer) {
  const json& request = call.request;
  if (auto valid = validate_for_logs(request, shapes::describe_log_streams_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto group = group_of(call);
  if (!group) return answer(tl::unexpected(group.error()));
  const Question question{group->name, request.value("logStreamNamePrefix", ""),
                          request.value("orderBy", "LogStreamName") == "LastEventTime",
                          request.value("descending", false)};
  if (question.by_time && !question.prefix.empty())
    return answer(tl::unexpected(invalid_parameter("Cannot order by LastEventTime with a logStreamNamePrefix.")));
  std::optional<PagePosition> after;
  if (const std::string token = request.value("nextToken", ""); !token.empty()) {
    after = read_page_token(token, question.text());
    if (!after) return answer(tl::unexpected(invalid_parameter("The specified nextToken is invalid.")));
  }
  const auto streams = list(call, question, after);
  if (!streams) return answer(tl::unexpected(streams.error()));

  const auto limit = std::min(request.value("limit", shapes::kMaxLogList), streams->size());
  json page = {{"logStreams", json::array()}};
  for (std::size_t i = 0; i < limit; ++i) {
    const auto facts = call.backends.logs.facts(group->name, (*streams)[i].name);
    if (!facts && facts.error().kind == Kind::not_found) continue;
    if (!facts) return answer(tl::unexpected(log_failure(facts.error())));
    page["logStreams"].push_back(to_json(call.backends, group->name, *facts));
  }
  if (limit < streams->size()) {
    page["nextToken"] = make_page_token(position_of(question, (*streams)[limit - 1]), question.text());
  }
  answer(dump(page));
}

}  // namespace holdfast::api::operations
