// The documents of AWS's Query protocol: an operation's answer, and an error.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "api/errors.hpp"
#include "api/rules.hpp"

namespace holdfast::api::wire {

// <ActionResponse> with <ActionResult> around the members that `output` declares (none: null) and with the metadata.
std::string answer_xml(const nlohmann::json& answer, const Shape* output, std::string_view action,
                       std::string_view xml_namespace, const std::string& request_id);
std::string error_xml(const ApiError& error, std::string_view xml_namespace, const std::string& request_id);

}  // namespace holdfast::api::wire
