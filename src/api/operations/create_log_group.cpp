#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void create_log_group(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::create_log_group_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto tags = call.request.value("tags", std::map<std::string, std::string>{});
  const auto made = call.backends.logs.create_group(call.request.at("logGroupName"), tags);
  if (made) return answer(std::string());
  switch (made.error().kind) {
    case Kind::conflict:
      return answer(
          tl::unexpected(ApiError{400, "ResourceAlreadyExistsException", "The specified log group already exists"}));
    case Kind::no_space:
      return answer(tl::unexpected(ApiError{400, "LimitExceededException", "Resource limit exceeded."}));
    default:
      return answer(tl::unexpected(log_failure(made.error())));
  }
}

}  // namespace holdfast::api::operations
