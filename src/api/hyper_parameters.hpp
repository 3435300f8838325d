// Whether a hyperparameter's value is one that its algorithm takes.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace holdfast::api {

// A whole number of 64 bits, without anything around it.
std::optional<std::int64_t> read_integer(const std::string& text);
// A finite number, without anything around it.
std::optional<double> read_number(const std::string& text);

// `specification`: one of TrainingSpecification.SupportedHyperParameters, whose range fits its type. The answer says
// what the value must be ("must be an integer from 1 to 5"); nothing when it is that.
std::optional<std::string> refuse_value(const nlohmann::json& specification, const std::string& value);

}  // namespace holdfast::api
