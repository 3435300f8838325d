// What the requests of all lists have in common.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace holdfast::api {

constexpr std::size_t kDefaultResults = 10;

// A member that may be absent or null.
std::string text_of(const nlohmann::json& request, const char* member, const char* otherwise = "");
std::optional<Instant> time_of(const nlohmann::json& request, const char* member);
// MaxResults.
std::size_t limit_of(const nlohmann::json& request);
// What a page token is good for: the same question, whatever the size of its pages.
std::string question_of(nlohmann::json request);

}  // namespace holdfast::api
