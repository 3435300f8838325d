// Notices that a small file was replaced: for files that a command writes and the service reads again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace holdfast {

// For one thread at a time.
class WatchedFile {
 public:
  explicit WatchedFile(std::filesystem::path path) : path_(std::move(path)) {}

  enum class News { same, changed, gone };
  // Costs one stat(). Of a file that is there the first look says `changed`; of one that is not, every look `gone`. One
  // that cannot be looked at is the `same`.
  News look();
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0;
    std::int64_t size = -1;
    bool operator==(const Stamp&) const = default;
  };
  std::filesystem::path path_;
  std::optional<Stamp> seen_;
};

}  // namespace holdfast
