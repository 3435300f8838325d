// A file without a disk, for code that opens files by name.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "base/ensure.hpp"
#include "base/file.hpp"

namespace holdfast::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view contents) : fd_(::memfd_create("holdfast-fuzz", MFD_CLOEXEC)) {
    ENSURE(fd_ && write_all(fd_.get(), contents, "a file in memory"), "no file in memory");
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  Fd fd_;
};

}  // namespace holdfast::fuzz
