#include "api/s3/file_blocks.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
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
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, block.size()));
    const auto count = ::pread(fd, block.data(), wanted, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading the source of a copy", errno);
    if (count == 0) return fail(Kind::conflict, "reading the source of a copy: it became shorter");
    if (auto taken = take({block.data(), static_cast<std::size_t>(count)}); !taken) return taken;
    offset += static_cast<std::uint64_t>(count);
    length -= static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace holdfast::api::s3
