#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

namespace {

constexpr std::array kRetentions = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150, 180,
                                    365, 400, 545, 731, 1827, 2192, 2557, 2922, 3288, 3653};

}  // namespace

void put_retention_policy(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::put_retention_policy_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const int days = call.request.at("retentionInDays");
  if (std::find(kRetentions.begin(), kRetentions.end(), days) == kRetentions.end()) {
    return answer(tl::unexpected(invalid_parameter(
        fmt::format("1 validation error detected: Value '{}' at 'retentionInDays' failed to satisfy constraint: Member "
                    "must satisfy enum value set: [{}]",
                    days, fmt::join(kRetentions, ", ")))));
  }
  const auto group = group_of(call);
  if (!group) return answer(tl::unexpected(group.error()));
  if (const auto set = call.backends.logs.set_retention(group->name, days); !set)
    return answer(tl::unexpected(group_failure(set.error())));
  answer(std::string());
}

}  // namespace holdfast::api::operations
