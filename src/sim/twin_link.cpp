#include "sim/twin_link.hpp"

#include "agent/messages.hpp"
#include "base/ensure.hpp"

namespace holdfast::sim {
namespace {

constexpr Duration kWayMost = milliseconds{50};
// As app/http_control_link has them.
constexpr Duration kTimeout = seconds{60};

const api::OperationEntry& operation_of_agents(const char* name) {
  const auto* entry = api::find_operation(fmt::format("Holdfast.{}", name));
  ENSURE(entry, "{} is no operation", name);
  return *entry;
}

}  // namespace

// ---- the network

Duration Network::way() {
  if (dice_.chance(faults_.message_late)) return dice_.between(kWayMost, faults_.late_at_most);
  return dice_.between(Duration{1}, kWayMost);
}

void Network::call(const api::OperationEntry& operation, std::string body, std::shared_ptr<const bool> cut,
                   ServiceProcess::Reply reply) {
  if (dice_.chance(faults_.message_lost)) return;
  const auto request =
      std::make_shared<const Request>(Request{operation, std::move(body), std::move(cut), std::move(reply)});
  const auto go = [&](Duration way) { scheduler_.after(way, [this, request] { arrive(request); }); };
  go(way());
  // A proxy that tries again by itself, say.
  if (dice_.chance(faults_.message_doubled)) go(way() + way());
}

void Network::arrive(const std::shared_ptr<const Request>& request) {
  if (*request->cut) return;
  service_.call(request->operation, request->body, [this, request](std::optional<api::Outcome> outcome) {
    if (dice_.chance(faults_.answer_lost)) return;
    scheduler_.after(way(), [request, outcome = std::move(outcome)]() mutable {
      if (!*request->cut) request->reply(std::move(outcome));
    });
  });
}

// ---- an agent's line

Result<std::string> TwinLink::call(const api::OperationEntry& operation, std::string body) {
  struct Answer {
    bool came = false;
    std::optional<api::Outcome> outcome;
  };
  process_.check();
  const auto answer = std::make_shared<Answer>();
  network_.call(
      operation, std::move(body), cut_,
      [answer, weak = std::weak_ptr(Process::current()), process = &process_](std::optional<api::Outcome> outcome) {
        const auto fiber = weak.lock();
        if (!fiber || answer->came) return;
        answer->came = true;
        answer->outcome = std::move(outcome);
        process->wake(fiber);
      });
  process_.park(kTimeout);
  const bool came = std::exchange(answer->came, true);  // what comes now is too late
  if (!came) return fail(Kind::try_again, "{}: no answer in time", operation.target);
  if (!answer->outcome) return fail(Kind::try_again, "{}: the connection broke", operation.target);
  if (*answer->outcome) return std::move(**answer->outcome);
  const auto& error = answer->outcome->error();
  return fail(error.status == 400 && error.code == "ValidationException" ? Kind::invalid : Kind::try_again, "{}: {}",
              operation.target, error.message);
}

Result<void> TwinLink::report(const ports::Report& report) {
  static const auto& operation = operation_of_agents(agent::kReportOperation);
  const auto answer = call(operation, agent::encode_report(job_, fence_, report));
  if (!answer) return fail(answer.error());
  return {};
}

Result<ports::Order> TwinLink::wait_for_order(ports::Order known) {
  static const auto& operation = operation_of_agents(agent::kWaitOperation);
  const auto answer = call(operation, agent::encode_wait(job_, fence_, known));
  if (!answer) return fail(answer.error());
  return agent::decode_order(*answer);
}

}  // namespace holdfast::sim
