// Errors have other names in the Query protocol than in JSON.
#pragma once

#include "api/errors.hpp"

namespace holdfast::api::wire {

// The same error under its Query code and status. A code without another name there keeps its own.
ApiError query_error(const ApiError& error);

}  // namespace holdfast::api::wire
