#include "job/event.hpp"

namespace holdfast::job {

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::succeeded:
      return "succeeded";
    case Outcome::program_failed:
      return "program_failed";
    case Outcome::bad_input:
      return "bad_input";
    case Outcome::failed:
      return "failed";
    case Outcome::reclaimed:
      return "reclaimed";
    case Outcome::stopped:
      return "stopped";
  }
  return "?";
}

const char* event_name(const Event& event) {
  constexpr std::array names{"StopRequested",   "Placed",       "InstanceUp",   "LaunchRefused",
                             "NoticeReceived",  "InstanceGone", "AgentStarted", "ProgramStarted",
                             "CheckpointSaved", "ProgramEnded", "AttemptEnded", "TimeReached"};
  static_assert(names.size() == std::variant_size_v<Event>);
  return names[event.index()];
}

}  // namespace holdfast::job
