#include "app/agent_main.hpp"

#include <signal.h>

#include "agent/agent.hpp"
#include "agent/machine.hpp"
#include "app/assignment.hpp"
#include "app/http_control_link.hpp"
#include "base/log.hpp"
#include "objects/file_store.hpp"
#include "runtime/bubblewrap.hpp"
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
  auto objects = objects::FileStore::open(facts->service.objects);
  if (!objects) {
    log_error("{}", objects.error().message);
    return 1;
  }
  SystemClock clock;
  runtime::BubblewrapRuntime runtime;
  const auto& assignment = facts->assignment;
  HttpControlLink reports(facts->service.endpoint_file, assignment.spec.name, assignment.fence, facts->token);
  HttpControlLink orders(facts->service.endpoint_file, assignment.spec.name, assignment.fence, facts->token);
  agent::Machine machine(facts->machine, runtime, clock);
  return agent::run_agent({clock, **objects, machine, reports, orders}, assignment);
}

}  // namespace holdfast::app
