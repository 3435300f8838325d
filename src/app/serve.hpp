#pragma once

#include "cli/cli.hpp"

namespace holdfast::app {

// `holdfast serve`: builds every part in order, runs until SIGINT or SIGTERM, and leaves the trainings running.
int serve(const cli::ServeOptions& options);

}  // namespace holdfast::app
