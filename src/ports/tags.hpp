// What users write on their resources: keys with values, in the order in which they were given.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace holdfast::ports {

using Tags = std::vector<std::pair<std::string, std::string>>;

}  // namespace holdfast::ports
