// An algorithm by what a request calls it.
#pragma once

#include "api/protocol.hpp"

namespace holdfast::api {

// A name, or an ARN of this account and region.
tl::expected<ports::Algorithm, ApiError> find_algorithm(const Backends& backends, const std::string& arn_or_name);

// "Algorithm <arn> does not exist.", whichever of the two was given.
ApiError no_such_algorithm(const Backends& backends, const std::string& arn_or_name);

}  // namespace holdfast::api
