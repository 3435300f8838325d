// What names one checkpoint of a job, wherever it is spoken of.
#pragma once

#include <compare>
#include <cstdint>

#include "base/ids.hpp"

namespace holdfast::checkpoint {

// Ordered by fence first: whatever an older attempt still commits sorts below everything of a newer one.
struct GenerationId {
  Fence fence;
  std::uint64_t sequence = 0;  // from 1 within an attempt; 0 is the attempt's opening entry, which holds no files
  auto operator<=>(const GenerationId&) const = default;
};

}  // namespace holdfast::checkpoint
