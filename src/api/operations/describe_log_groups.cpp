// The log groups, by name.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

json to_json(const Backends& backends, const ports::LogGroup& group) {
  json shown = {{"logGroupName", group.name},
                {"creationTime", group.created_ms},
                {"metricFilterCount", 0},
                {"arn", log_group_arn(backends, group.name)},
                {"logGroupArn", arn_of_group_alone(backends, group.name)},
                {"logGroupClass", kGroupClass},
                {"storedBytes", 0}};
  if (group.retention_days) shown["retentionInDays"] = *group.retention_days;
  return shown;
}

bool is_wanted(const json& request, const ports::LogGroup& group) {
  if (request.value("logGroupClass", kGroupClass) != kGroupClass) return false;
  if (!group.name.starts_with(request.value("logGroupNamePrefix", ""))) return false;
  if (group.name.find(request.value("logGroupNamePattern", "")) == std::string::npos) return false;
  const auto named = request.value("logGroupIdentifiers", std::vector<std::string>{});
  return named.empty() || std::any_of(named.begin(), named.end(), [&](const std::string& identifier) {
           return name_of_group(identifier) == group.name;
         });
}

}  // namespace

void describe_log_groups(const Call& call, Answer answer) {
  const json& request = call.request;
  if (auto valid = validate_for_logs(request, shapes::describe_log_groups_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  if (!request.value("logGroupNamePrefix", "").empty() && !request.value("logGroupNamePattern", "").empty()) {
    return answer(tl::unexpected(
        invalid_parameter("logGroupNamePrefix and logGroupNamePattern cannot both be given; leave one of them out.")));
  }
  const bool ours = asks_for_our_account(call);
  const auto page = page_of_groups(
      call, shapes::kMaxLogList, [&](const ports::LogGroup& group) { return ours && is_wanted(request, group); },
      [&](const ports::LogGroup& group) { return to_json(call.backends, group); });
  if (!page) return answer(tl::unexpected(page.error()));
  answer(dump(*page));
}

}  // namespace holdfast::api::operations
