// One page of a stream. A token is "f/" and the byte position from which to read on, or "b/" and the one before which
// to read: positions never move, because a stream only grows.
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/log_pages.hpp"
#include "api/operations/operations.hpp"
#include "api/rules.hpp"
#include "api/shapes/common.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxPageEvents = 10'000;

const Shape& input() {
  static const ShapePtr shape_of_input = shape(Structure{{
      {"logGroupName", shape(String{.min = 1, .max = 512}), kRequired},
      {"logGroupIdentifier", shape(String{.min = 1, .max = 2048})},
      {"logStreamName", shape(String{.min = 1, .max = 512, .pattern = Pattern("[^:*]*")}), kRequired},
      {"startTime", shape(Long{.min = 0})},
      {"endTime", shape(Long{.min = 0})},
      {"nextToken", shape(String{.min = 1, .max = 64})},
      {"limit", shape(Integer{.min = 1, .max = kMaxPageEvents})},
      {"startFromHead", shapes::boolean()},
      {"unmask", shapes::boolean()},
  }});
  return *shape_of_input;
}

struct Token {
  bool forward = true;
  std::uint64_t position = 0;
};

std::optional<Token> parse_token(const std::string& text) {
  if (!text.starts_with("f/") && !text.starts_with("b/")) return std::nullopt;
  Token token{text[0] == 'f', 0};
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), token.position);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return token;
}

}  // namespace

void get_log_events(const Call& call, Answer answer) {
  const json& request = call.request;
  if (auto valid = validate(request, input()); !valid) return answer(tl::unexpected(in_words_of_logs(valid.error())));
  if (request.at("logGroupName") != kTrainingLogGroup) return answer(tl::unexpected(no_such_log_group()));
  constexpr auto kEver = std::numeric_limits<std::int64_t>::max();
  const LogQuestion question{request.at("logStreamName").get<std::string>(), request.value("limit", kMaxPageEvents),
                             request.value("startTime", std::int64_t{0}), request.value("endTime", kEver)};
  std::optional<Token> token;
  if (request.contains("nextToken")) {
    token = parse_token(request.at("nextToken").get<std::string>());
    if (!token) return answer(tl::unexpected(invalid_parameter("The specified nextToken is invalid.")));
  } else if (request.value("startFromHead", false)) {
    token = Token{true, 0};
  } else {
    token = Token{false, std::numeric_limits<std::uint64_t>::max()};
  }
  const auto page = token->forward ? page_after(call.backends.telemetry, question, token->position)
                                   : page_before(call.backends.telemetry, question, token->position);
  if (!page) {
    return answer(tl::unexpected(page.error().kind == Kind::not_found ? no_such_log_stream()
                                                                      : in_words_of_logs(to_api_error(page.error()))));
  }
  json events = json::array();
  for (const auto& event : page->events) {
    events.push_back(
        {{"timestamp", event.timestamp_ms}, {"message", event.message}, {"ingestionTime", event.ingestion_ms}});
  }
  // Both always, and at an end the one that was passed in: that is how clients know that they are there.
  const json shown = {{"events", std::move(events)},
                      {"nextForwardToken", "f/" + std::to_string(page->next)},
                      {"nextBackwardToken", "b/" + std::to_string(page->first)}};
  answer(dump(shown));
}

}  // namespace holdfast::api::operations
