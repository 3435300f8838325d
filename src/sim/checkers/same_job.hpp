// Are two jobs the same, field by field: fast enough to ask after every decision.
#pragma once

#include <string>

#include "job/state.hpp"

namespace holdfast::sim::checkers {

// The first thing in which they differ, for people; empty when they are the same. The specification is not looked at,
// and of the visits only the newest.
std::string difference(const job::Job& a, const job::Job& b);

}  // namespace holdfast::sim::checkers
