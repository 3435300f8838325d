// What AddTags and DeleteTags make of a resource's tags.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ports/tags.hpp"

namespace holdfast::api {

// Of a list of Tag structures.
ports::Tags read_tags(const nlohmann::json& list);
nlohmann::json to_json(const ports::Tags& tags);

// Those that are there keep their place, with the new value; new ones follow. Kind::invalid: more than kMaxTags.
Result<ports::Tags> with_tags(ports::Tags tags, const ports::Tags& added);
// Keys that are not there are none that must be removed.
ports::Tags without_tags(ports::Tags tags, const std::vector<std::string>& keys);

}  // namespace holdfast::api
