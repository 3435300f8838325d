// An agent's long poll: answered as soon as its order is another one. Asking is also its sign of life.
#include <nlohmann/json.hpp>
#include <optional>

#include "api/operations/operations.hpp"

namespace holdfast::api::operations {

void agent_wait(const Call& call, Answer answer) {
  const nlohmann::json text = call.request.value("Known", nlohmann::json());
  const auto known = text.is_string() ? ports::parse_order(text.get_ref<const std::string&>()) : std::nullopt;
  if (!known) return answer(tl::unexpected(validation("Known must be go_on, stop or abandon.")));
  call.backends.engine.wait_for_order(JobName{call.request.at("TrainingJobName").get<std::string>()},
                                      Fence{call.request.at("Fence").get<std::uint64_t>()}, *known,
                                      [answer = std::move(answer)](ports::Order order) {
                                        nlohmann::json told = nlohmann::json::object();
                                        told["Order"] = ports::to_string(order);
                                        answer(dump(told));
                                      });
}

}  // namespace holdfast::api::operations
