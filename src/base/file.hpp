// Small durable file operations, each with a clear error: used wherever a file is the state.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace holdfast {

// Closes on destruction; -1 when empty.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

// The error of errno, as the kind that says whether a retry can help: ENOENT not_found, ENOSPC and EDQUOT no_space,
// EAGAIN and friends try_again, else permanent. `what` names operation and object.
tl::unexpected<Error> fail_errno(std::string_view what, int error_number);

// The whole file, at most `limit` bytes: a larger one is an error, never a truncated answer.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit);
// Writes beside, fsyncs, renames into place, fsyncs the directory: after it returns the file is the new one even if the
// power goes; before, it is the old one.
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes, unsigned mode = 0644);
Result<void> make_directories(const std::filesystem::path& path);
// The same, and the power cannot take them any more: for where things are kept that were answered for.
Result<void> make_durable_directories(const std::filesystem::path& path);
// Names that came into the directory, or left it, are so for good.
Result<void> sync_directory(const std::filesystem::path& path);
// Appends all of `from`, from its start, to what is written at the position of `to`; how many bytes that were. In the
// kernel where it can do it, without moving a byte where the file system can share them.
Result<std::uint64_t> copy_contents(int from, int to, std::string_view what);
// All of `bytes`, however often the kernel takes only a part.
Result<void> write_all(int fd, std::string_view bytes, std::string_view what);
// The same at a place of the file, from several threads at once.
Result<void> write_at(int fd, std::uint64_t offset, std::string_view bytes, std::string_view what);
// All of `into`, from that place on. Kind::conflict: the file ends before.
Result<void> read_at(int fd, std::uint64_t offset, std::span<char> into, std::string_view what);

}  // namespace holdfast
