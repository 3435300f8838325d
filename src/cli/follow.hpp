// Follows a job until it is over or the user has seen enough: statuses as they move, and the program's log, merged by
// time as far as they arrive together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/answers.hpp"
#include "cli/log_reader.hpp"
#include "cli/terminal.hpp"

namespace holdfast::cli {

constexpr Duration kPollInterval = milliseconds{300};
// A service that is away for so long is not waited for any longer. The training goes on without it, and without us.
constexpr int kMaxUnansweredPolls = 2000;

struct FollowOptions {
  bool statuses = true;
  bool until_over = true;  // otherwise: what there is now
};

class Follower {
 public:
  Follower(Service& service, const Terminal& terminal, Pause& pause, std::string job, FollowOptions options)
      : service_(service),
        terminal_(terminal),
        pause_(pause),
        job_(std::move(job)),
        options_(options),
        log_(service, job_) {}

  // How the job stands at the end; nothing when the user pressed Ctrl-C.
  Result<std::optional<JobAnswer>> follow();

 private:
  Result<JobAnswer> poll();
  std::vector<StatusVisit> new_visits(const JobAnswer& answer);
  void print(const std::vector<StatusVisit>& visits, const std::vector<LogLine>& lines);
  bool worth_waiting(const Error& error);

  Service& service_;
  const Terminal& terminal_;
  Pause& pause_;
  std::string job_;
  FollowOptions options_;
  LogReader log_;
  std::optional<StatusVisit> last_printed_;
  int unanswered_ = 0;
};

}  // namespace holdfast::cli
