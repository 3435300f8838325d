// The history of a real service, read from its database and from the checkpoint ledgers in its object store, as the
// records that the checkers judge. It knows less than a simulation: see `kPromises` in app/check_history.cpp for
// what follows from that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ports/object_store.hpp"
#include "sim/checker.hpp"

namespace holdfast::sim {

// What was read, for people.
struct HistoryFigures {
  int schema = 0;  // of the database
  std::size_t jobs = 0, live_jobs = 0;
  std::size_t decisions = 0;
  std::size_t attempts = 0;
  std::size_t leases = 0;       // recorded ones
  std::size_t starts = 0;       // of the service
  std::size_t ledgers = 0;      // places where checkpoints are
  std::size_t generations = 0;  // in them now
  std::size_t damaged = 0;      // of these: not readable, not whole, or in quarantine
};

struct ReadHistory {
  HistoryFigures figures;
  Instant last;  // the newest record
  // What cannot be told as a record: rows that contradict each other or cannot be read.
  std::vector<Violation> contradictions;
  std::vector<std::string> notes;  // what could not be looked at, and why
};

// Hands all records to `recorder`, in order, then the final jobs to `ending`. `up_to`: now, when the service runs; a
// service that does not is blamed for nothing after its last word.
Result<ReadHistory> read_history(const std::string& database, ports::ObjectStore& objects, std::optional<Instant> up_to,
                                 Recorder& recorder, Ending& ending);

}  // namespace holdfast::sim
