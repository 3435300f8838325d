#pragma once

#include "cli/cli.hpp"

namespace holdfast::app {

// `holdfast check-history`: judges all that a data folder knows of the past.
int check_history(const cli::CheckHistoryOptions& options);

}  // namespace holdfast::app
