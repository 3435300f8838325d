// The agent's line to the control plane over HTTP: ports::ControlLink against api/operations/agent_*.
#pragma once

#include <filesystem>
#include <string>

#include "http/client.hpp"
#include "ports/control_link.hpp"

namespace holdfast::app {

class HttpControlLink final : public ports::ControlLink {
 public:
  // `endpoint_file` holds the service's URL. It is read again after each failure: the service may come back elsewhere.
  HttpControlLink(std::filesystem::path endpoint_file, JobName job, Fence fence, std::string token);

  Result<void> report(const ports::Report& report) override;
  Result<ports::Order> wait_for_order(ports::Order known) override;

 private:
  Result<std::string> call(const char* operation, std::string body, Duration timeout);

  std::filesystem::path endpoint_file_;
  JobName job_;
  Fence fence_;
  std::string token_;
  std::string endpoint_;
  http::Client client_;
};

}  // namespace holdfast::app
