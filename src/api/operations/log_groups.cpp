#include "api/operations/log_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/operations/page_token.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

constexpr std::string_view kGroupInArn = ":log-group:";

bool is_arn_of_group(const std::string& identifier) {
  return identifier.starts_with("arn:") && identifier.find(kGroupInArn) != std::string::npos;
}

}  // namespace

std::string name_of_group(const std::string& identifier) {
  if (!is_arn_of_group(identifier)) return identifier;
  return identifier.substr(identifier.find(kGroupInArn) + kGroupInArn.size());
}

ApiError no_such_log_group() { return {400, "ResourceNotFoundException", "The specified log group does not exist."}; }
ApiError no_such_log_stream() { return {400, "ResourceNotFoundException", "The specified log stream does not exist."}; }
ApiError invalid_parameter(std::string message) { return {400, "InvalidParameterException", std::move(message)}; }

ApiError in_words_of_logs(ApiError error) {
  if (error.code == "ValidationException") error.code = "InvalidParameterException";
  return error;
}

ApiError log_failure(const Error& error) {
  return error.kind == Kind::not_found ? no_such_log_stream() : in_words_of_logs(to_api_error(error));
}

ApiError group_failure(const Error& error) {
  return error.kind == Kind::not_found ? no_such_log_group() : log_failure(error);
}

CheckedLogs<void> validate_for_logs(const json& request, const Shape& input) {
  auto valid = validate(request, input);
  if (!valid) return tl::unexpected(in_words_of_logs(valid.error()));
  return {};
}

CheckedLogs<ports::LogGroup> group_of(const Call& call) {
  const auto name = call.request.find("logGroupName");
  const auto identifier = call.request.find("logGroupIdentifier");
  if (name != call.request.end() && identifier != call.request.end())
    return tl::unexpected(invalid_parameter("logGroupName and logGroupIdentifier cannot both be given."));
  if (name == call.request.end() && identifier == call.request.end()) {
    return tl::unexpected(
        invalid_parameter("1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: "
                          "Member must not be null"));
  }
  const auto group = call.backends.logs.group(
      name != call.request.end() ? name->get<std::string>() : name_of_group(identifier->get<std::string>()));
  if (!group) return tl::unexpected(group_failure(group.error()));
  return *group;
}

CheckedLogs<ports::LogGroup> tagged_group(const Call& call) {
  const std::string arn = call.request.at("resourceArn");
  if (!is_arn_of_group(arn)) {
    return tl::unexpected(invalid_parameter(fmt::format("The resourceArn '{}' is not that of a log group: '{}'.", arn,
                                                        arn_of_group_alone(call.backends, "NAME"))));
  }
  const auto group = call.backends.logs.group(name_of_group(arn));
  if (!group) return tl::unexpected(group_failure(group.error()));
  return *group;
}

CheckedLogs<json> page_of_groups(const Call& call, std::size_t most, const WantedGroup& wanted,
                                 const ShownGroup& shown) {
  json question = call.request;
  for (const char* member : {"nextToken", "limit"}) question.erase(member);
  auto groups = call.backends.logs.groups();
  std::erase_if(groups, [&](const ports::LogGroup& group) { return !wanted(group); });
  auto group = groups.begin();
  if (const std::string token = call.request.value("nextToken", ""); !token.empty()) {
    const auto after = read_page_token(token, dump(question));
    if (!after) return tl::unexpected(invalid_parameter("The specified nextToken is invalid."));
    group = std::find_if(groups.begin(), groups.end(), [&](const auto& each) { return each.name > after->second; });
  }
  const auto limit = call.request.value("limit", most);
  json page = {{"logGroups", json::array()}};
  for (; group != groups.end() && page["logGroups"].size() < limit; ++group) page["logGroups"].push_back(shown(*group));
  if (group != groups.end()) page["nextToken"] = make_page_token({"", std::prev(group)->name}, dump(question));
  return page;
}

bool asks_for_our_account(const Call& call) {
  const auto accounts = call.request.value("accountIdentifiers", std::vector<std::string>{});
  return accounts.empty() || std::find(accounts.begin(), accounts.end(), call.backends.account) != accounts.end();
}

CheckedLogs<std::vector<std::string>> visible_streams(const Call& call, const std::string& group,
                                                      const std::string& prefix) {
  const auto visible = visible_jobs(call.principal.policy);
  if (!visible) return std::vector<std::string>{};
  auto names = call.backends.logs.stream_names(group, prefix);
  if (!names) return tl::unexpected(log_failure(names.error()));
  // A training's stream begins with its job's name. To any other group only those come who see all jobs.
  std::erase_if(*names, [&](const std::string& name) { return !name.starts_with(*visible); });
  return std::move(*names);
}

CheckedLogs<void> refuse_trainings_group(const ports::LogGroup& group) {
  if (group.name != ports::kTrainingLogGroup) return {};
  return tl::unexpected(invalid_parameter(fmt::format(
      "Only training jobs write to the log group {}. Use a log group of your own.", ports::kTrainingLogGroup)));
}

CheckedLogs<void> set_tags(const Call& call, const ports::LogGroup& group) {
  if (group.tags.size() > shapes::kMaxTagsOfGroup) {
    return tl::unexpected(
        invalid_parameter(fmt::format("A log group can have at most {} tags.", shapes::kMaxTagsOfGroup)));
  }
  if (const auto set = call.backends.logs.set_tags(group.name, group.tags); !set)
    return tl::unexpected(group_failure(set.error()));
  return {};
}

void add_tags(const Call& call, CheckedLogs<ports::LogGroup> group, const Answer& answer) {
  if (!group) return answer(tl::unexpected(group.error()));
  for (const auto& [key, value] : call.request.at("tags").items()) group->tags[key] = value.get<std::string>();
  if (auto set = set_tags(call, *group); !set) return answer(tl::unexpected(set.error()));
  answer(std::string());
}

void remove_tags(const Call& call, CheckedLogs<ports::LogGroup> group, const nlohmann::json& keys,
                 const Answer& answer) {
  if (!group) return answer(tl::unexpected(group.error()));
  for (const auto& key : keys) group->tags.erase(key.get<std::string>());
  if (auto set = set_tags(call, *group); !set) return answer(tl::unexpected(set.error()));
  answer(std::string());
}

std::string log_group_arn(const Backends& backends, std::string_view group) {
  return arn_of_group_alone(backends, group) + ":*";
}

std::string arn_of_group_alone(const Backends& backends, std::string_view group) {
  return fmt::format("arn:aws:logs:{}:{}:log-group:{}", backends.region, backends.account, group);
}

std::string log_stream_arn(const Backends& backends, std::string_view group, std::string_view stream) {
  return fmt::format("arn:aws:logs:{}:{}:log-group:{}:log-stream:{}", backends.region, backends.account, group, stream);
}

}  // namespace holdfast::api::operations
