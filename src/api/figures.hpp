// GET /metrics: how the service is doing, in Prometheus's text format 0.0.4. Anybody may read it, so it has totals
// only, and no name of a job, bucket or user.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/protocol.hpp"

namespace holdfast::api {

struct Figures {
  const Backends& backends;
  std::vector<std::pair<std::string, std::size_t>> queues;  // name and length
};

Result<std::string> figures_text(const Figures& figures);

// Of this process, in bytes; 0 where it cannot be read.
std::uint64_t resident_memory();

}  // namespace holdfast::api
