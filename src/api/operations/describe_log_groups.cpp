// The log groups, by name.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/operations/page_token.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

json to_json(const Backends& backends, const ports::LogGroup& group) {
  json shown = {{"logGroupName", group.name},
                {"creationTime", group.created_ms},
                {"metricFilterCount", 0},
                {"arn", log_group_arn(backends, group.name)},
                {"storedBytes", 0}};
  if (group.retention_days) shown["retentionInDays"] = *group.retention_days;
  return shown;
}

}  // namespace

void describe_log_groups(const Call& call, Answer answer) {
  const json& request = call.request;
  if (auto valid = validate_for_logs(request, shapes::describe_log_groups_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const std::string prefix = request.value("logGroupNamePrefix", "");
  const std::string part = request.value("logGroupNamePattern", "");
  if (!prefix.empty() && !part.empty()) {
    return answer(tl::unexpected(
        invalid_parameter("logGroupNamePrefix and logGroupNamePattern cannot both be given; leave one of them out.")));
  }
  auto groups = call.backends.logs.groups();
  std::erase_if(groups, [&](const ports::LogGroup& group) {
    return !group.name.starts_with(prefix) || group.name.find(part) == std::string::npos;
  });
  auto group = groups.begin();
  const std::string question = prefix + "\n" + part;
  if (const std::string token = request.value("nextToken", ""); !token.empty()) {
    const auto after = read_page_token(token, question);
    if (!after) return answer(tl::unexpected(invalid_parameter("The specified nextToken is invalid.")));
    group = std::find_if(groups.begin(), groups.end(), [&](const auto& each) { return each.name > after->second; });
  }
  const auto limit = request.value("limit", shapes::kMaxLogList);
  json page = {{"logGroups", json::array()}};
  for (; group != groups.end() && page["logGroups"].size() < limit; ++group)
    page["logGroups"].push_back(to_json(call.backends, *group));
  if (group != groups.end()) page["nextToken"] = make_page_token({"", std::prev(group)->name}, question);
  answer(dump(page));
}

}  // namespace holdfast::api::operations
