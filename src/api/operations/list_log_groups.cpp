// The names of the log groups: what newer clients ask for instead of DescribeLogGroups.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

using nlohmann::json;

namespace {

// "one|^two": a part of the name, or how it begins.
bool is_like(std::string_view name, std::string_view pattern) {
  for (;;) {
    const auto end = std::min(pattern.find('|'), pattern.size());
    const auto one = pattern.substr(0, end);
    if (one.starts_with('^') ? name.starts_with(one.substr(1)) : name.find(one) != name.npos) return true;
    if (end == pattern.size()) return false;
    pattern.remove_prefix(end + 1);
  }
}

}  // namespace

void list_log_groups(const Call& call, Answer answer) {
  const json& request = call.request;
  if (auto valid = validate_for_logs(request, shapes::list_log_groups_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const std::string pattern = request.value("logGroupNamePattern", "");
  const bool ours = request.value("logGroupClass", kGroupClass) == kGroupClass && asks_for_our_account(call);
  const auto page = page_of_groups(
      call, shapes::kMaxLogList, [&](const ports::LogGroup& group) { return ours && is_like(group.name, pattern); },
      [&](const ports::LogGroup& group) -> json {
        return {{"logGroupName", group.name},
                {"logGroupArn", arn_of_group_alone(call.backends, group.name)},
                {"logGroupClass", kGroupClass}};
      });
  if (!page) return answer(tl::unexpected(page.error()));
  answer(dump(*page));
}

}  // namespace holdfast::api::operations
