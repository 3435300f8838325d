// Events of many streams, by time. A token says where the search stands (ports::SearchPlace), so it can take any number
// of pages over any number of streams.
#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/filter_pattern.hpp"
#include "api/json_text.hpp"
#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/operations/page_token.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

// What a token is good for: the same search, whatever the size of its pages. The end may move: it follows the clock of
// who follows a log.
std::string question_of(json request) {
  for (const auto* member : {"nextToken", "limit", "interleaved", "unmask", "endTime"}) request.erase(member);
  return dump(request);
}

template <class Number>
bool parse_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

PagePosition to_position(const ports::SearchPlace& place) {
  return {fmt::format("{}/{}", place.time_ms, place.position), place.stream};
}

std::optional<ports::SearchPlace> to_place(const PagePosition& position) {
  const std::string_view numbers = position.first;
  const auto slash = std::min(numbers.find('/'), numbers.size());
  ports::SearchPlace place{0, position.second, 0};
  if (!parse_whole(numbers.substr(0, slash), place.time_ms) || slash == numbers.size()) return std::nullopt;
  if (!parse_whole(numbers.substr(slash + 1), place.position)) return std::nullopt;
  return place;
}

CheckedLogs<std::vector<std::string>> streams_of(const Call& call, const std::string& group) {
  const json& request = call.request;
  if (!request.contains("logStreamNames"))
    return visible_streams(call, group, request.value("logStreamNamePrefix", ""));
  if (request.contains("logStreamNamePrefix"))
    return tl::unexpected(invalid_parameter("logStreamNames and logStreamNamePrefix cannot both be given."));
  auto names = request.at("logStreamNames").get<std::vector<std::string>>();
  for (const auto& name : names) {
    if (const auto facts = call.backends.logs.facts(group, name); !facts)
      return tl::unexpected(log_failure(facts.error()));
  }
  return names;
}

// Unique for good: the time first, as in CloudWatch's own, then the stream and the place in it.
std::string event_id(const ports::FoundEvent& found) {
  std::uint64_t stream = 0xcbf29ce484222325;
  for (const char c : found.stream) stream = (stream ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:020d}{:020d}{:016d}", found.event.timestamp_ms, stream, found.position);
}

}  // namespace

void filter_log_events(const Call& call, Answer answer) {
  const json& request = call.request;
  if (auto valid = validate_for_logs(request, shapes::filter_log_events_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto pattern = FilterPattern::parse(request.value("filterPattern", ""));
  if (!pattern) return answer(tl::unexpected(invalid_parameter("Invalid filter pattern: " + pattern.error())));
  const auto group = group_of(call);
  if (!group) return answer(tl::unexpected(group.error()));
  auto streams = streams_of(call, group->name);
  if (!streams) return answer(tl::unexpected(streams.error()));

  constexpr auto kEver = std::numeric_limits<std::int64_t>::max();
  const std::int64_t last_ms = request.value("endTime", kEver);  // shown still
  ports::LogSearch search{group->name,
                          std::move(*streams),
                          request.value("limit", shapes::kMaxLogEvents),
                          request.value("startTime", std::int64_t{0}),
                          last_ms == kEver ? kEver : last_ms + 1,
                          {},
                          [&](std::string_view message) { return pattern->matches(message); }};
  const std::string question = question_of(request);
  if (request.contains("nextToken")) {
    const auto position = read_page_token(request.at("nextToken").get<std::string>(), question);
    search.from = position ? to_place(*position) : std::nullopt;
    if (!search.from) return answer(tl::unexpected(invalid_parameter("The specified nextToken is invalid.")));
  }
  const auto page = call.backends.logs.search(search);
  if (!page) return answer(tl::unexpected(log_failure(page.error())));
  JsonText shown;
  shown.begin_object();
  shown.key("events");
  shown.begin_array();
  for (const auto& found : page->events) {
    shown.begin_object();
    shown.member("logStreamName", found.stream);
    shown.member("timestamp", found.event.timestamp_ms);
    shown.member("message", found.event.message);
    shown.member("ingestionTime", found.event.ingestion_ms);
    shown.member("eventId", event_id(found));
    shown.end_object();
  }
  shown.end_array();
  shown.key("searchedLogStreams");
  shown.begin_array();
  shown.end_array();
  if (page->next) shown.member("nextToken", make_page_token(to_position(*page->next), question));
  shown.end_object();
  answer(shown.take());
}

}  // namespace holdfast::api::operations
