// A file without a disk, for code that opens files by name; and a directory that is in memory where there is one.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
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

class MemoryPlace {
 public:
  MemoryPlace() {
    const std::filesystem::path memory = "/dev/shm";
    const auto parent = ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    std::string name = parent / "holdfast-fuzz-XXXXXX";
    ENSURE(::mkdtemp(name.data()), "no directory in {}", parent.string());
    path_ = name;
  }
  MemoryPlace(const MemoryPlace&) = delete;
  MemoryPlace& operator=(const MemoryPlace&) = delete;
  ~MemoryPlace() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace holdfast::fuzz
