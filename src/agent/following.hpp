// Follows the checkpoint directory of a running program on a task of its own, from the program's start to its end, and
// answers the program's own requests for a commit: on the socket, or by the file .holdfast-commit in the directory.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "agent/checkpoint_sync.hpp"
#include "agent/commit_requests.hpp"
#include "agent/folder.hpp"
#include "agent/safety_watch.hpp"
#include "agent/tasks.hpp"

namespace holdfast::agent {

class Following {
 public:
  struct Parts {
    Folder& folder;
    CheckpointSync& sync;
    Clock& clock;
    CommitRequests& requests;
    SafetyWatch& watch;
  };
  // `tell`: each event, on the task.
  Following(Tasks& tasks, const Parts& parts, std::function<void(const CheckpointEvent&)> tell);
  // Waits for the step under way.
  ~Following();

 private:
  void follow();
  void commit_as_asked();
  void tell_all(const std::vector<CheckpointEvent>& events);

  Parts parts_;
  std::function<void(const CheckpointEvent&)> tell_;
  std::vector<CommitRequests::Reply> asked_;  // not answered yet, while the store is away
  std::optional<checkpoint::FileIdentity> file_;
  std::atomic<bool> stopping_ = false;
  std::unique_ptr<Task> task_;  // last: it uses all of the above
};

}  // namespace holdfast::agent
