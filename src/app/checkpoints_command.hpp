#pragma once

#include "cli/options.hpp"

namespace holdfast::app {

// `holdfast checkpoints`: looks at the store itself, so that what is big does not go through the service. Which job
// keeps its checkpoints where, and whether it runs, is asked of the service; for an S3Uri nobody is asked.
int checkpoints(const cli::ConnectionOptions& connection, const cli::CheckpointsOptions& options);

}  // namespace holdfast::app
