// `holdfast logs`: what the program printed, over all its attempts.
#include <ostream>

#include "cli/commands.hpp"
#include "cli/follow.hpp"

namespace holdfast::cli {

Result<int> show_logs(const Session& session, const LogsOptions& options) {
  const FollowOptions how{.statuses = false, .until_over = options.follow};
  Follower follower{session.service, session.terminal, session.pause, options.job, how};
  const auto end = follower.follow();
  if (!end) return fail(end.error());
  return *end ? kExitDone : kExitDetached;
}

}  // namespace holdfast::cli
