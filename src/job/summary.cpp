#include "job/summary.hpp"

#include <algorithm>

namespace holdfast::job {

Summary summarize(const Job& job) {
  Summary summary;
  summary.primary = primary_status(job);
  summary.secondary = secondary_status(job);
  summary.last_modified = job.transitions.back().start;
  summary.training_start = job.first_started;
  const auto* ended = std::get_if<Ended>(&job.state);
  if (!ended) return summary;
  summary.failure_reason = ended->failure_reason;
  if (!job.first_started) return summary;
  summary.training_end = job.transitions.back().start;
  const std::int64_t training = std::max<std::int64_t>(1, job.accounts.on_instance_ms() / 1000);
  constexpr std::int64_t kMillionthsOfMs = 1'000'000'000;  // of a second
  const std::int64_t billable = (job.accounts.billable_millionths + kMillionthsOfMs - 1) / kMillionthsOfMs;
  summary.training_seconds = training;
  // On demand the two are the same; on spot, rounding up must not make a job look dearer than the time it ran.
  summary.billable_seconds = job.spec->spot ? std::clamp<std::int64_t>(billable, 1, training) : training;
  summary.savings_percent =
      (1.0 - static_cast<double>(*summary.billable_seconds) / static_cast<double>(training)) * 100.0;
  return summary;
}

}  // namespace holdfast::job
