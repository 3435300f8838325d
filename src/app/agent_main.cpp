#include "app/agent_main.hpp"

#include <signal.h>

#include "agent/agent.hpp"
#include "agent/machine.hpp"
#include "app/assignment.hpp"
#include "app/http_control_link.hpp"
#include "app/open_buckets.hpp"
#include "base/log.hpp"
#include "runtime/bubblewrap.hpp"
#include "telemetry/metric_scanner.hpp"
#include "telemetry/service_log.hpp"

namespace holdfast::app {

int agent_main(const std::string& directory) {
  // Before the first thread: all of them leave SIGTERM to the agent's signalfd.
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  telemetry::log_to_stderr(Level::info);

  auto facts = read_assignment(directory);
  if (!facts) {
    log_error("{}", facts.error().message);
    return 1;
  }
  SystemClock clock;
  SystemRandom random;
  auto buckets = open_buckets(facts->service.objects, facts->service.places, {clock, random, kAgentsPatience});
  if (!buckets) {
    log_error("{}", buckets.error().message);
    return 1;
  }
  // This very program, though its file may have been replaced by a newer one.
  facts->machine.fast_files_command = {"/proc/self/exe", "fast-files"};
  runtime::BubblewrapRuntime runtime;
  const auto& assignment = facts->assignment;
  HttpControlLink reports(facts->service.endpoint_file, assignment.spec.name, assignment.fence, facts->token);
  HttpControlLink orders(facts->service.endpoint_file, assignment.spec.name, assignment.fence, facts->token);
  agent::Machine machine(facts->machine, runtime, clock);
  agent::ScanLine scan;
  if (assignment.spec.checkpoint && !assignment.spec.metrics.empty()) {
    scan = [scanner = std::make_shared<const telemetry::MetricScanner>(assignment.spec.metrics)](auto line) {
      return scanner->scan(line, 0);
    };
  }
  return agent::run_agent({clock, *buckets->all, machine, reports, orders, std::move(scan)}, assignment);
}

}  // namespace holdfast::app
