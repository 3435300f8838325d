// Sources over what is at hand: an open file, or bytes in memory.
#pragma once

#include <string_view>

#include "ports/object_store.hpp"

namespace holdfast::ports {

// The first `size` bytes of a file that stays open meanwhile. Kind::conflict: it has become shorter.
class FileSource final : public Source {
 public:
  FileSource(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<char> into) override;

 private:
  int fd_;
  std::uint64_t size_;
};

class BytesSource final : public Source {
 public:
  explicit BytesSource(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t offset, std::span<char> into) override;

 private:
  std::string_view bytes_;
};

}  // namespace holdfast::ports
