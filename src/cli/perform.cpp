#include <ostream>

#include "base/overload.hpp"
#include "cli/commands.hpp"

namespace holdfast::cli {

int perform(const Session& session, const Request& request) {
  const auto done =
      std::visit(Overload{[&](const RunOptions& options) { return run(session, options); },
                          [&](const JobsOptions& options) { return list_jobs(session, options); },
                          [&](const DescribeOptions& options) { return describe_job(session, options); },
                          [&](const LogsOptions& options) { return show_logs(session, options); },
                          [&](const InterruptOptions& options) { return interrupt_job(session, options); },
                          [&](const StopOptions& options) { return stop_job(session, options); },
                          [&](const CopyOptions& options) { return copy(session, options); }},
                 request);
  if (done) return *done;
  session.terminal.err << "holdfast: " << done.error().message << '\n';
  return kExitNoAnswer;
}

}  // namespace holdfast::cli
