#include "job/state.hpp"

#include <type_traits>

namespace holdfast::job {

const char* to_string(Secondary status) {
  switch (status) {
    case Secondary::Starting:
      return "Starting";
    case Secondary::Downloading:
      return "Downloading";
    case Secondary::Training:
      return "Training";
    case Secondary::Uploading:
      return "Uploading";
    case Secondary::Interrupted:
      return "Interrupted";
    case Secondary::Stopping:
      return "Stopping";
    case Secondary::Completed:
      return "Completed";
    case Secondary::Failed:
      return "Failed";
    case Secondary::Stopped:
      return "Stopped";
    case Secondary::MaxRuntimeExceeded:
      return "MaxRuntimeExceeded";
    case Secondary::MaxWaitTimeExceeded:
      return "MaxWaitTimeExceeded";
  }
  return "?";
}

const char* to_string(Primary status) {
  switch (status) {
    case Primary::InProgress:
      return "InProgress";
    case Primary::Stopping:
      return "Stopping";
    case Primary::Completed:
      return "Completed";
    case Primary::Failed:
      return "Failed";
    case Primary::Stopped:
      return "Stopped";
  }
  return "?";
}

const Attempt* current_attempt(const Job& job) {
  return std::visit(
      [](const auto& state) -> const Attempt* {
        if constexpr (requires { state.attempt; }) return &state.attempt;
        return nullptr;
      },
      job.state);
}

Secondary secondary_status(const Job& job) { return job.transitions.back().status; }

Primary primary_status(const Job& job) {
  if (const auto* ended = std::get_if<Ended>(&job.state)) {
    if (ended->status == Secondary::Completed) return Primary::Completed;
    return ended->status == Secondary::Failed ? Primary::Failed : Primary::Stopped;
  }
  return std::holds_alternative<Stopping>(job.state) ? Primary::Stopping : Primary::InProgress;
}

bool is_ended(const Job& job) { return std::holds_alternative<Ended>(job.state); }

const char* state_name(const State& state) {
  constexpr std::array names{"Waiting", "Launching", "Downloading", "Training", "Uploading", "Stopping", "Ended"};
  static_assert(names.size() == std::variant_size_v<State>);
  return names[state.index()];
}

}  // namespace holdfast::job
