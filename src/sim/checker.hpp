// The promises of Holdfast, P1 to P10 of docs/simulation.md, each judged from the history alone. No checker calls the
// engine or decide(); only P10, whose subject is decide() itself, replays it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/history.hpp"

namespace holdfast::sim {

struct Violation {
  std::string property;  // "P1"
  Instant at;            // of the record that showed it
  std::string what;      // one sentence, with the job and the numbers
};

// How the history ended.
struct Ending {
  Instant at;
  bool complete = false;       // faults had stopped for long enough: whatever must happen sometime has happened
  std::vector<FinalJob> jobs;  // every job there is, as stored
};

// How much later than its limit something may happen. Each has its reason in docs/simulation.md.
struct Slack {
  Duration walls{minutes{3}};           // MaxRuntime and MaxWait to the order to stop, downtime of the service apart
  Duration lease_outlives{minutes{2}};  // one sweep and the time to end an instance, downtime of the service apart
  Duration billing{seconds{1}};
};

class Checker {
 public:
  virtual ~Checker() = default;
  virtual void see(const Record& record) = 0;
  virtual void finish(const Ending& ending) = 0;
  const std::vector<Violation>& violations() const { return violations_; }

 protected:
  explicit Checker(std::string property) : property_(std::move(property)) {}
  // At most kMaxViolations are kept: one is enough to fail.
  void violated(Instant at, std::string what);

 private:
  std::string property_;
  std::vector<Violation> violations_;
};

constexpr std::size_t kMaxViolations = 20;

// One for each of P1 to P10, in that order.
std::vector<std::unique_ptr<Checker>> make_checkers(const Slack& slack = {});

// All of them at once.
class Judges final : public Recorder {
 public:
  explicit Judges(const Slack& slack = {}) : checkers_(make_checkers(slack)) {}
  void record(Record record) override;
  // In the order of the promises.
  std::vector<Violation> finish(const Ending& ending);

 private:
  std::vector<std::unique_ptr<Checker>> checkers_;
};

}  // namespace holdfast::sim
