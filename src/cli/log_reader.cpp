#include "cli/log_reader.hpp"

#include <nlohmann/json.hpp>

namespace holdfast::cli {

using nlohmann::json;

namespace {

constexpr const char* kGroup = "/aws/sagemaker/TrainingJobs";
constexpr int kMaxStreams = 50;  // the most that DescribeLogStreams gives in one answer; one is the rule

}  // namespace

Result<std::vector<std::string>> LogReader::streams() {
  const auto answer = service_.call("Logs_20140328.DescribeLogStreams", {{"logGroupName", kGroup},
                                                                         {"logStreamNamePrefix", job_ + "/"},
                                                                         {"orderBy", "LogStreamName"},
                                                                         {"limit", kMaxStreams}});
  if (!answer) {
    // No job of this service has printed a line yet.
    if (answer.error().kind == Kind::not_found) return std::vector<std::string>{};
    return fail(answer.error());
  }
  std::vector<std::string> names;
  for (const json& stream : answer->value("logStreams", json::array())) names.push_back(stream.at("logStreamName"));
  return names;
}

Result<std::vector<LogLine>> LogReader::read() try {
  has_more_ = false;
  std::vector<LogLine> lines;
  const auto names = streams();
  if (!names) return fail(names.error());
  int pages = 0;
  for (const std::string& name : *names) {
    std::string& token = tokens_[name];
    while (true) {
      if (pages++ == kMaxLogPagesPerRead) {
        has_more_ = true;
        return lines;
      }
      json request{{"logGroupName", kGroup}, {"logStreamName", name}, {"startFromHead", true}};
      if (!token.empty()) request["nextToken"] = token;
      const auto answer = service_.call("Logs_20140328.GetLogEvents", request);
      // What was read before the refusal has moved its token: it must reach the caller.
      if (!answer && !lines.empty()) return lines;
      if (!answer) return fail(answer.error());
      const json events = answer->value("events", json::array());
      for (const json& event : events)
        lines.push_back({from_ms(event.at("timestamp").get<std::int64_t>()), event.at("message")});
      const std::string next = answer->value("nextForwardToken", token);
      const bool at_end = events.empty() || next == token;
      token = next;
      if (at_end) break;
    }
  }
  return lines;
} catch (const json::exception& error) {
  return fail(Kind::permanent, "reading the log of {}: {}", job_, error.what());
}

}  // namespace holdfast::cli
