// An agent's long poll: answered as soon as its order is another one. Asking is also its sign of life.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "api/operations/operations.hpp"

namespace holdfast::api::operations {

void agent_wait(const Call& call, Answer answer) {
  const auto text = call.request.find("Known");
  const auto known = text != call.request.end() && text->is_string()
                         ? ports::parse_order(text->get_ref<const std::string&>())
                         : std::nullopt;
  if (!known) return answer(tl::unexpected(validation("Known must be go_on, stop or abandon.")));
  call.backends.engine.wait_for_order(JobName{call.request.at("TrainingJobName").get<std::string>()},
                                      Fence{call.request.at("Fence").get<std::uint64_t>()}, *known,
                                      [answer = std::move(answer)](ports::Order order) {
                                        answer(fmt::format(R"({{"Order":"{}"}})", ports::to_string(order)));
                                      });
}

}  // namespace holdfast::api::operations
