// Makes the calls of a Pattern on a real directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "support/writer_calls.hpp"

namespace holdfast::testing {

class Writer {
 public:
  // `outside` is where paths with '@' lie: on the same file system.
  Writer(std::filesystem::path directory, std::filesystem::path outside);

  // Pauses are not made here.
  void perform(const Call& call);
  ~Writer() { die(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // (device, inode) of the files that are open or mapped, as /proc would say.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> open_files() const;
  // What a SIGKILL does: everything is closed, as it is.
  void die();

 private:
  std::filesystem::path path_of(const std::string& path) const;
  int fd_of(const std::string& path) const;
  void hold(const Call& call);
  void let_go(const std::string& path);

  std::filesystem::path directory_, outside_;
  std::map<std::string, Fd> open_;
  struct Mapping {
    char* at;
    std::size_t size;
    std::pair<std::uint64_t, std::uint64_t> file;
  };
  std::map<std::string, Mapping> mapped_;
};

}  // namespace holdfast::testing
