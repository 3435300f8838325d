// A file that is to become an object. Only FileStore's own files include this.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "objects/file_store.hpp"

namespace holdfast::objects {

// Removed unless it was placed.
struct FileStore::Draft {
  Fd fd;
  std::filesystem::path path;
  Draft(Fd open_fd, std::filesystem::path at) : fd(std::move(open_fd)), path(std::move(at)) {}
  Draft(Draft&& other) noexcept : fd(std::move(other.fd)), path(std::exchange(other.path, {})) {}
  Draft& operator=(Draft&&) = delete;
  ~Draft() {
    if (!path.empty()) ::unlink(path.c_str());
  }
};

}  // namespace holdfast::objects
