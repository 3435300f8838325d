// Whether a short list of words has this one.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace holdfast {

bool is_in(const auto& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

}  // namespace holdfast
