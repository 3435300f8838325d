// Reading a job's list of visits as it grows from decision to decision.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "job/state.hpp"

namespace holdfast::sim::checkers {

// Where in `after` the visit stands that was the open one in `before`. The list keeps its first and its newest entries
// only, so its place may have moved. Nothing: it is not there any more, which must not be.
inline std::optional<std::size_t> find_open_visit(const job::Job& before, const job::Job& after) {
  const auto same = [&](std::size_t i) {
    return i < after.transitions.size() && after.transitions[i].status == before.transitions.back().status &&
           after.transitions[i].start == before.transitions.back().start;
  };
  const std::size_t size = after.transitions.size();
  if (size < job::kMaxTransitionsKept) {
    const std::size_t place = before.transitions.size() - 1;
    return same(place) ? std::optional(place) : std::nullopt;
  }
  // From the newest: while a clock is set back, visits of one status may all begin at the same moment.
  constexpr std::size_t kMostInOneDecision = 6;
  for (std::size_t i = size; i > size - std::min(size, kMostInOneDecision); --i) {
    if (same(i - 1)) return i - 1;
  }
  return std::nullopt;
}

// Time that counts towards MaxRuntime, and is billed.
inline bool is_on_instance(job::Secondary status) {
  return status == job::Secondary::Downloading || status == job::Secondary::Training ||
         status == job::Secondary::Uploading;
}

}  // namespace holdfast::sim::checkers
