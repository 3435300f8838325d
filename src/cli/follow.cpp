#include "cli/follow.hpp"

#include <algorithm>
#include <ostream>

#include "cli/text.hpp"

namespace holdfast::cli {

Result<std::optional<JobAnswer>> Follower::follow() {
  while (true) {
    const auto answer = poll();
    if (!answer && !worth_waiting(answer.error())) return fail(answer.error());
    if (answer) {
      if (unanswered_ > 0) terminal_.err << "holdfast: the service is back\n";
      unanswered_ = 0;
      if (log_.has_more()) continue;
      if (is_over(*answer) || !options_.until_over) return std::optional<JobAnswer>{*answer};
    }
    if (pause_.wait(kPollInterval)) return std::optional<JobAnswer>{};
  }
}

// The job first, its log second: once the job is over, the log that we read is whole.
Result<JobAnswer> Follower::poll() {
  auto answer = describe(service_, job_);
  if (!answer) return answer;
  const auto lines = log_.read();
  if (!lines) return fail(lines.error());
  print(options_.statuses ? new_visits(*answer) : std::vector<StatusVisit>{}, *lines);
  return answer;
}

std::vector<StatusVisit> Follower::new_visits(const JobAnswer& answer) {
  const auto& visits = answer.visits;
  auto from = visits.begin();
  if (last_printed_) {
    // By value, not by position: the service forgets the oldest visits of a long life.
    const auto last = std::find_if(visits.rbegin(), visits.rend(), [&](const StatusVisit& visit) {
      return visit.status == last_printed_->status && visit.start == last_printed_->start;
    });
    from = last.base();
  }
  std::vector<StatusVisit> fresh{from, visits.end()};
  if (!fresh.empty()) last_printed_ = fresh.back();
  return fresh;
}

void Follower::print(const std::vector<StatusVisit>& visits, const std::vector<LogLine>& lines) {
  auto visit = visits.begin();
  const auto print_visits_until = [&](std::optional<Instant> until) {
    for (; visit != visits.end() && (!until || visit->start <= *until); ++visit)
      terminal_.out << readable(visit->start) << ' ' << coloured(terminal_, visit->status)
                    << (visit->message.empty() ? "" : " - ") << visit->message << '\n';
  };
  for (const LogLine& line : lines) {
    print_visits_until(line.at);
    terminal_.out << line.text << '\n';
  }
  print_visits_until(std::nullopt);
  terminal_.out.flush();
}

bool Follower::worth_waiting(const Error& error) {
  if (error.kind != Kind::try_again) return false;
  // At the very first poll there is nothing to come back to.
  if (!options_.until_over || (unanswered_ == 0 && !last_printed_ && options_.statuses)) return false;
  if (unanswered_++ == 0)
    terminal_.err << "holdfast: " << error.message << "; the training goes on meanwhile, and we wait\n" << std::flush;
  return unanswered_ < kMaxUnansweredPolls;
}

}  // namespace holdfast::cli
