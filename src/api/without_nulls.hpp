#pragma once

#include <nlohmann/json_fwd.hpp>

namespace holdfast::api {

// A null member is one that was not given, at every depth.
nlohmann::json without_nulls(const nlohmann::json& value);

}  // namespace holdfast::api
