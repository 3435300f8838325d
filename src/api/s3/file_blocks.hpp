// The bytes of an open file, block by block.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.hpp"

namespace holdfast::api::s3 {

// `length` bytes from `offset`. Kind::conflict: the file has become shorter. An error of `take` ends the reading.
Result<void> for_each_block(int fd, std::uint64_t offset, std::uint64_t length,
                            const std::function<Result<void>(std::string_view block)>& take);

}  // namespace holdfast::api::s3
