// The streams of the trainings, by name: one for each host of a job, over all of its attempts.
#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/operations/page_token.hpp"
#include "api/rules.hpp"
#include "api/shapes/common.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxStreams = 50;

const Shape& input() {
  static const ShapePtr shape_of_input = shape(Structure{{
      {"logGroupName", shape(String{.min = 1, .max = 512}), kRequired},
      {"logGroupIdentifier", shape(String{.min = 1, .max = 2048})},
      {"logStreamNamePrefix", shape(String{.min = 1, .max = 512, .pattern = Pattern("[^:*]*")})},
      {"orderBy", shapes::one_of({"LogStreamName", "LastEventTime"})},
      {"descending", shapes::boolean()},
      {"nextToken", shape(String{.min = 1, .max = 8192})},
      {"limit", shape(Integer{.min = 1, .max = kMaxStreams})},
  }});
  return *shape_of_input;
}

}  // namespace

void describe_log_streams(const Call& call, Answer answer) {
  const json& request = call.request;
  if (auto valid = validate(request, input()); !valid) return answer(tl::unexpected(in_words_of_logs(valid.error())));
  if (request.at("logGroupName") != kTrainingLogGroup) return answer(tl::unexpected(no_such_log_group()));
  if (request.value("orderBy", "LogStreamName") != "LogStreamName")
    return answer(tl::unexpected(invalid_parameter("Streams can only be ordered by LogStreamName here.")));
  const std::string prefix = request.value("logStreamNamePrefix", "");
  const bool descending = request.value("descending", false);
  auto streams = call.backends.telemetry.streams(prefix);
  if (descending) std::reverse(streams.begin(), streams.end());

  const std::string question = prefix + (descending ? "\n>" : "\n<");
  auto stream = streams.begin();
  if (const std::string token = request.value("nextToken", ""); !token.empty()) {
    const auto after = read_page_token(token, question);
    if (!after) return answer(tl::unexpected(invalid_parameter("The specified nextToken is invalid.")));
    stream = std::find_if(streams.begin(), streams.end(), [&](const std::string& name) {
      return descending ? name < after->second : name > after->second;
    });
  }
  const auto limit = request.value("limit", kMaxStreams);
  json page = {{"logStreams", json::array()}};
  for (; stream != streams.end() && page["logStreams"].size() < limit; ++stream) {
    page["logStreams"].push_back(
        {{"logStreamName", *stream},
         {"arn", fmt::format("arn:aws:logs:{}:{}:log-group:{}:log-stream:{}", call.backends.region,
                             call.backends.account, kTrainingLogGroup, *stream)},
         {"storedBytes", 0}});
  }
  if (stream != streams.end()) page["nextToken"] = make_page_token({"", *std::prev(stream)}, question);
  answer(dump(page));
}

}  // namespace holdfast::api::operations
