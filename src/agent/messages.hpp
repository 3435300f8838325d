// What an agent says to the service and hears from it, as JSON. The service's side is api/operations/agent_report and
// agent_wait.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "ports/control_link.hpp"

namespace holdfast::agent {

constexpr const char* kReportOperation = "AgentReport";
constexpr const char* kWaitOperation = "AgentWait";

std::string encode_report(const JobName& job, Fence fence, const ports::Report& report);
std::string encode_wait(const JobName& job, Fence fence, ports::Order known);
// The answer to a wait. Kind::try_again: not one that this agent knows.
Result<ports::Order> decode_order(std::string_view answer);

}  // namespace holdfast::agent
