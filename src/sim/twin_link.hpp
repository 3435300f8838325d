// The lines between the world and the service: requests and answers take time, get lost, come twice, late, and in
// another order. Agents speak through TwinLink, users through Network::call.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ports/control_link.hpp"
#include "sim/process.hpp"
#include "sim/service_process.hpp"

namespace holdfast::sim {

class Network {
 public:
  Network(Scheduler& scheduler, ServiceProcess& service, const FaultPlan& faults, Dice& dice)
      : scheduler_(scheduler), service_(service), faults_(faults), dice_(dice) {}
  // `reply` is called once, later: with the service's answer, or with nothing when the connection broke; never, when
  // the request or the answer was lost. `cut` is looked at on the way there and back: while true, nothing gets through.
  void call(const api::OperationEntry& operation, std::string body, std::shared_ptr<const bool> cut,
            ServiceProcess::Reply reply);

 private:
  // On its way, once or twice, and kept for its answer.
  struct Request {
    const api::OperationEntry& operation;
    std::string body;
    std::shared_ptr<const bool> cut;
    ServiceProcess::Reply reply;
  };
  Duration way();
  void arrive(const std::shared_ptr<const Request>& request);

  Scheduler& scheduler_;
  ServiceProcess& service_;
  const FaultPlan& faults_;
  Dice& dice_;
};

// One for each of an agent's two lines. Blocking: used on a fiber of `process`.
class TwinLink final : public ports::ControlLink {
 public:
  TwinLink(Network& network, Process& process, JobName job, Fence fence, std::shared_ptr<const bool> cut)
      : network_(network), process_(process), job_(std::move(job)), fence_(fence), cut_(std::move(cut)) {}
  Result<void> report(const ports::Report& report) override;
  Result<ports::Order> wait_for_order(ports::Order known) override;

 private:
  Result<std::string> call(const api::OperationEntry& operation, std::string body);

  Network& network_;
  Process& process_;
  JobName job_;
  Fence fence_;
  std::shared_ptr<const bool> cut_;  // the instance's network
};

}  // namespace holdfast::sim
