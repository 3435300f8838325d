#include "api/s3/file_blocks.hpp"

#include <algorithm>
#include <string>

#include "base/file.hpp"

namespace holdfast::api::s3 {

namespace {
constexpr std::size_t kBlock = 256 * 1024;
}

Result<void> for_each_block(int fd, std::uint64_t offset, std::uint64_t length,
                            const std::function<Result<void>(std::string_view block)>& take) {
  std::string block(static_cast<std::size_t>(std::min<std::uint64_t>(length, kBlock)), '\0');
  while (length > 0) {
    block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(length, block.size())));
    if (auto read = read_at(fd, offset, block, "reading the source of a copy"); !read) return read;
    if (auto taken = take(block); !taken) return taken;
    offset += block.size();
    length -= block.size();
  }
  return {};
}

}  // namespace holdfast::api::s3
