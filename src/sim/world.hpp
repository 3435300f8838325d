// One run of the simulation: the real control plane and real agents on twins of everything else, from a plan, judged.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/checker.hpp"
#include "sim/plan.hpp"
#include "sim/service_process.hpp"
#include "sim/twin_host.hpp"
#include "sim/twin_provider.hpp"
#include "sim/user.hpp"

namespace holdfast::sim {

struct RunOptions {
  // Each record as a line, as it happens.
  std::function<void(const std::string& line)> trace;
  bool judge = true;
  // The service dies at that boundary, if not 0 (see Boundaries).
  std::uint64_t die_at = 0;
};

struct RunResult {
  std::uint64_t hash = 0;  // of all lines of the trace
  std::vector<Violation> violations;
  Instant begun, ended;
  std::uint64_t records = 0, actions = 0, boundaries = 0;
  std::size_t deaths = 0;  // of the service
  std::size_t attempts = 0;
  std::size_t interruptions = 0;
  std::map<std::string, std::size_t> jobs;  // by how they ended
};

RunResult run(const Plan& plan, const RunOptions& options = {});

}  // namespace holdfast::sim
