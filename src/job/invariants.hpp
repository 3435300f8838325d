// What holds of every job that decide() can make. The engine checks it before each commit.
#pragma once

#include <string>
#include <vector>

#include "job/state.hpp"

namespace holdfast::job {

// Empty when all is well; otherwise one sentence for each that is broken.
std::vector<std::string> broken_invariants(const Job& job);

}  // namespace holdfast::job
