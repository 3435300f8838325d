// "SageMaker Training Job State Change" events, as EventBridge delivers them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "ports/status_feed.hpp"

namespace holdfast::api::events {

struct Event {
  std::string id;  // a UUID; the same each time that this change is told of
  std::string body;
};

// One for each status that the change passed through, in their order. `described` is DescribeTrainingJob's answer about
// the job as it was then. In an event its times are epoch milliseconds, its tags an object, and of an intermediate
// status nothing is said that came later.
std::vector<Event> events_of(const ports::StatusChange& change, const nlohmann::json& described,
                             const std::string& account, const std::string& region);

}  // namespace holdfast::api::events
