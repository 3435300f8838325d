// All decisions in a database, in an order in which they can have been made: each job's in the order of its versions,
// and placements in the order of their fences. Times alone would not do: clocks are set back, and a millisecond holds
// many decisions.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "job/event.hpp"
#include "job/state.hpp"
#include "sim/checker.hpp"
#include "store/history_reader.hpp"

namespace holdfast::sim {

struct LoggedDecision {
  std::size_t job = 0;  // in DecisionLog::jobs
  std::uint64_t version = 0;
  Instant decided_at;
  std::optional<job::Event> event;
  Instant at;  // never before the one in front of it
};

struct LoggedJob {
  JobName name;
  std::shared_ptr<const job::Job> stored;
};

struct DecisionLog {
  std::vector<LoggedJob> jobs;
  std::vector<LoggedDecision> decisions;
  std::vector<Violation> contradictions;
};

Result<DecisionLog> read_decisions(store::HistoryReader& reader);

}  // namespace holdfast::sim
