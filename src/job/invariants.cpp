#include "job/invariants.hpp"

#include <fmt/format.h>

namespace holdfast::job {

namespace {

bool status_fits(const Job& job) {
  const Secondary status = secondary_status(job);
  switch (job.state.index()) {
    case 0:
      return status == Secondary::Starting || status == Secondary::Interrupted;
    case 1:
      return status == Secondary::Starting;
    case 2:
      return status == Secondary::Downloading;
    case 3:
      return status == Secondary::Training;
    case 4:
      return status == Secondary::Uploading;
    case 5:
      return status == Secondary::Stopping || status == Secondary::Uploading;
    default:
      return status == std::get<Ended>(job.state).status;
  }
}

}  // namespace

std::vector<std::string> broken_invariants(const Job& job) {
  std::vector<std::string> broken;
  const auto expect = [&](bool holds, std::string_view what) {
    if (!holds) broken.push_back(fmt::format("{}: {}", job.spec->name.value, what));
  };
  expect(!job.transitions.empty(), "a job is always in some status");
  if (job.transitions.empty()) return broken;
  expect(status_fits(job), "the status shown fits the state");
  for (std::size_t i = 0; i + 1 < job.transitions.size(); ++i) {
    expect(job.transitions[i].end.has_value(), "only the last visit is open");
    expect(!job.transitions[i].end || *job.transitions[i].end <= job.transitions[i + 1].start, "history runs forwards");
  }
  expect(is_ended(job) == job.transitions.back().end.has_value(),
         "the last visit is closed exactly when the job ended");
  const Accounts& a = job.accounts;
  expect(a.waiting_ms >= 0 && a.starting_ms >= 0 && a.restoring_ms >= 0 && a.training_ms >= 0 && a.saving_ms >= 0 &&
             a.stopping_ms >= 0 && a.lost_ms >= 0 && a.lost_ms <= a.training_ms,
         "no account is negative, and no more is lost than was trained");
  if (const Attempt* attempt = current_attempt(job)) expect(attempt->fence.value > 0, "an attempt has a fence");
  if (const auto* ended = std::get_if<Ended>(&job.state))
    expect((ended->status == Secondary::Failed) == !ended->failure_reason.empty(),
           "a reason is given exactly for a failure");
  return broken;
}

}  // namespace holdfast::job
