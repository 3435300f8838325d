// How an agent proves which attempt it is: a token that only the service can make, and can make again at any time.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace holdfast::api {

// 64 hexadecimal digits. Good for this attempt of this job only, for as long as `secret` is the service's.
std::string agent_token(std::string_view secret, const JobName& job, Fence fence);
// In a time that does not tell how much of the token was right.
bool token_matches(std::string_view token, std::string_view secret, const JobName& job, Fence fence);

}  // namespace holdfast::api
