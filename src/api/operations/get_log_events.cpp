// One page of a stream. A token is "f/" and the byte position from which to read on, or "b/" and the one before which
// to read: positions never move, because a stream only grows.
#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/json_text.hpp"
#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

// Clients take a page without events for the end of the stream: so far is looked for the next one.
constexpr int kMaxEmptyPages = 8;

struct Token {
  bool backward = false;
  std::uint64_t position = 0;
};

std::optional<Token> parse_token(const std::string& text) {
  if (!text.starts_with("f/") && !text.starts_with("b/")) return std::nullopt;
  Token token{text[0] == 'b', 0};
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), token.position);
  if (error != std::errc() || end != text.data() + text.size() || token.position == ports::kEndOfLog)
    return std::nullopt;
  return token;
}

Result<ports::LogPage> read_page(ports::LogStore& logs, ports::LogQuery query) {
  auto page = logs.read(query);
  for (int i = 0; page && page->events.empty() && i < kMaxEmptyPages; ++i) {
    const std::uint64_t onward = query.backward ? page->first : page->next;
    if (onward == query.position || page->first == page->next) break;
    query.position = onward;
    page = logs.read(query);
  }
  return page;
}

}  // namespace

void get_log_events(const Call& call, Answer answer) {
  const json& request = call.request;
  if (auto valid = validate_for_logs(request, shapes::get_log_events_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto group = group_of(call);
  if (!group) return answer(tl::unexpected(group.error()));
  Token token = request.value("startFromHead", false) ? Token{false, 0} : Token{true, ports::kEndOfLog};
  if (request.contains("nextToken")) {
    const auto given = parse_token(request.at("nextToken").get<std::string>());
    if (!given) return answer(tl::unexpected(invalid_parameter("The specified nextToken is invalid.")));
    token = *given;
  }
  const auto page = read_page(
      call.backends.logs, {group->name, request.at("logStreamName"), token.position, token.backward,
                           request.value("limit", shapes::kMaxLogEvents), request.value("startTime", std::int64_t{0}),
                           request.value("endTime", std::numeric_limits<std::int64_t>::max())});
  if (!page && page.error().kind == Kind::invalid)
    return answer(tl::unexpected(invalid_parameter("The specified nextToken is invalid.")));
  if (!page) return answer(tl::unexpected(log_failure(page.error())));
  JsonText shown;
  shown.begin_object();
  shown.key("events");
  shown.begin_array();
  for (const auto& event : page->events) {
    shown.begin_object();
    shown.member("timestamp", event.timestamp_ms);
    shown.member("message", event.message);
    shown.member("ingestionTime", event.ingestion_ms);
    shown.end_object();
  }
  shown.end_array();
  // Both tokens always, and at an end the one that was passed in: that is how clients know that they are there.
  shown.member("nextForwardToken", fmt::format("f/{}", page->next));
  shown.member("nextBackwardToken", fmt::format("b/{}", page->first));
  shown.end_object();
  answer(shown.take());
}

}  // namespace holdfast::api::operations
