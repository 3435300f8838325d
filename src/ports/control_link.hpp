// The agent's line to the control plane. The agent needs it only to report and to hear orders: with nobody at the other
// end it goes on training and saving, keeps its reports, and is heard when the control plane is back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "job/event.hpp"
#include "ports/telemetry.hpp"

namespace holdfast::ports {

enum class Order {
  go_on,
  stop,     // the job ends: SIGTERM, grace, last checkpoint, model
  abandon,  // another attempt has taken over, or the job has ended: kill the program, save and upload nothing
};
const char* to_string(Order order);
// Nothing: no order is called so.
std::optional<Order> parse_order(std::string_view text);

// Lines of one attempt's program, numbered from 0 so that a batch that is sent twice is kept once.
struct LogBatch {
  std::uint64_t sequence = 0;
  std::string stream;  // "<job>/algo-1-<epoch>"
  std::vector<LogEvent> lines;
};

// How much of the instance was in use at one time: SageMaker's instance metrics by name ("CPUUtilization"), in percent,
// where N processors or GPUs together have N times 100. Or how safe its checkpoints were: CheckpointAge and
// CheckpointTimeToSafe in seconds, CheckpointBytesAtRisk, CheckpointUploadRate in bytes per second; never both in one.
// What cannot be measured is not there.
struct InstanceSample {
  std::int64_t timestamp_ms = 0;
  std::vector<std::pair<std::string, double>> values;
};

struct Report {
  std::vector<job::Event> events = {};  // of this attempt, in their order
  std::vector<LogBatch> logs = {};
  std::vector<InstanceSample> samples = {};  // the oldest first; sent again they do no harm
};

// Blocking; called from the agent's own link threads. Kind::try_again: nobody answers now, or not this.
class ControlLink {
 public:
  virtual ~ControlLink() = default;
  // Once it returns, all of the report is durable at the other end. Kind::invalid: it was understood and refused for
  // good.
  virtual Result<void> report(const Report& report) = 0;
  // Returns when the order is another than `known`, or after a while with the same.
  virtual Result<Order> wait_for_order(Order known) = 0;
};

}  // namespace holdfast::ports
