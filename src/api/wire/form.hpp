// The body of an AWS Query request: a form, whose dotted names spell out the structure that the operation's shape
// declares. "Dimensions.member.1.Name=a&Period=60" becomes {"Dimensions": [{"Name": "a"}], "Period": 60}.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "api/errors.hpp"
#include "api/rules.hpp"

namespace holdfast::api::wire {

// Of all names together, each counted once. A PutMetricData of 1,000 metrics with 30 dimensions and 150 values each has
// 250,000.
constexpr std::size_t kMaxFormNodes = 500'000;
constexpr std::size_t kMaxFormDepth = 12;

// The first parameter of that name, decoded; found without taking the rest apart, for what must be known first.
std::optional<std::string> find_parameter(std::string_view form, std::string_view name);

// The request that the form spells, without Action and Version. Types are those of `input`; what it does not declare is
// kept, so that the rules can refuse it by name. Not checked beyond that: see rules.hpp.
[[nodiscard]] tl::expected<nlohmann::json, ApiError> read_form(std::string_view form, const Shape& input);

}  // namespace holdfast::api::wire
