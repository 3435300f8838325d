#include <nlohmann/json.hpp>

#include "api/operations/log_groups.hpp"
#include "api/operations/operations.hpp"
#include "api/shapes/logs.hpp"

namespace holdfast::api::operations {

void create_log_stream(const Call& call, Answer answer) {
  if (auto valid = validate_for_logs(call.request, shapes::create_log_stream_input()); !valid)
    return answer(tl::unexpected(valid.error()));
  const auto group = group_of(call);
  if (!group) return answer(tl::unexpected(group.error()));
  if (auto allowed = refuse_trainings_group(*group); !allowed) return answer(tl::unexpected(allowed.error()));
  const auto made = call.backends.logs.create_stream(group->name, call.request.at("logStreamName"));
  if (made) return answer(std::string());
  if (made.error().kind == Kind::conflict) {
    return answer(
        tl::unexpected(ApiError{400, "ResourceAlreadyExistsException", "The specified log stream already exists"}));
  }
  answer(tl::unexpected(group_failure(made.error())));
}

}  // namespace holdfast::api::operations
