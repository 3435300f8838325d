#include "ports/sources.hpp"

#include <algorithm>

#include "base/file.hpp"

namespace holdfast::ports {

Result<void> FileSource::read(std::uint64_t offset, std::span<char> into) {
  return read_at(fd_, offset, into, "reading what is to be stored");
}

Result<void> BytesSource::read(std::uint64_t offset, std::span<char> into) {
  std::ranges::copy(bytes_.substr(static_cast<std::size_t>(offset), into.size()), into.begin());
  return {};
}

}  // namespace holdfast::ports
