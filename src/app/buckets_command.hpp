#pragma once

#include "cli/cli.hpp"

namespace holdfast::app {

// `holdfast buckets`: works on the data folder itself, whether the service runs or not.
int buckets(const cli::BucketsOptions& options);

}  // namespace holdfast::app
