// `holdfast interrupt` and `holdfast stop`: the two ways to take a job's instance away by hand.
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands.hpp"

namespace holdfast::cli {

Result<int> interrupt_job(const Session& session, const InterruptOptions& options) {
  const auto done = session.service.call(
      "Holdfast.InterruptTrainingJob", {{"TrainingJobName", options.job}, {"NoticeInSeconds", options.notice_seconds}});
  if (!done) return fail(done.error(), "interrupting {}", options.job);
  session.terminal.out << (options.notice_seconds == 0
                               ? fmt::format("The instance of {} is taken away without notice\n", options.job)
                               : fmt::format("{} has {} s until its instance is taken away\n", options.job,
                                             options.notice_seconds));
  return kExitDone;
}

Result<int> stop_job(const Session& session, const StopOptions& options) {
  const auto done = session.service.call("SageMaker.StopTrainingJob", {{"TrainingJobName", options.job}});
  if (!done) return fail(done.error(), "stopping {}", options.job);
  session.terminal.out << fmt::format("{} is stopping: it may save and upload for 120 s\n", options.job);
  return kExitDone;
}

}  // namespace holdfast::cli
