#include "support/writer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/ensure.hpp"

namespace holdfast::testing {
namespace {

using Do = Call::Do;

void need(bool done, const Call& call) { ENSURE(done, "{}: {}", call.text, std::strerror(errno)); }

// The kernel's clock ticks every few milliseconds, and where a test's own clock stands still a whole checkpoint is
// written in one tick: no two writes leave the same time here, as no two do that lie half a second apart.
void stamp(int fd) {
  static std::int64_t ticks = 0;
  ++ticks;
  const timespec time{1'600'000'000 + ticks / 1000, ticks % 1000 * 1'000'000};
  const timespec times[2] = {time, time};
  ENSURE(::futimens(fd, times) == 0, "setting a time: {}", std::strerror(errno));
}

void map_and_write(int fd, const Call& call) {
  auto* at = ::mmap(nullptr, call.bytes.size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  need(at != MAP_FAILED, call);
  std::memcpy(at, call.bytes.data(), call.bytes.size());
  need(::msync(at, call.bytes.size(), MS_SYNC) == 0 && ::munmap(at, call.bytes.size()) == 0, call);
}

}  // namespace

Writer::Writer(std::filesystem::path directory, std::filesystem::path outside)
    : directory_(std::move(directory)), outside_(std::move(outside)) {
  std::filesystem::create_directories(outside_);
}

std::filesystem::path Writer::path_of(const std::string& path) const {
  return path.starts_with('@') ? outside_ / path.substr(1) : directory_ / path;
}

int Writer::fd_of(const std::string& path) const {
  const auto found = open_.find(path);
  ENSURE(found != open_.end(), "{} is not open", path);
  return found->second.get();
}

void Writer::hold(const Call& call) {
  struct stat status {};
  need(::fstat(fd_of(call.path), &status) == 0, call);
  const auto size = static_cast<std::size_t>(status.st_size);
  auto* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_of(call.path), 0);
  need(at != MAP_FAILED, call);
  mapped_[call.path] = {static_cast<char*>(at), size, {status.st_dev, status.st_ino}};
}

void Writer::let_go(const std::string& path) {
  const auto mapping = mapped_.extract(path);
  ENSURE(mapping && ::munmap(mapping.mapped().at, mapping.mapped().size) == 0, "{} is not mapped", path);
}

void Writer::die() {
  open_.clear();
  while (!mapped_.empty()) let_go(mapped_.begin()->first);
}

void Writer::perform(const Call& call) {
  const auto path = path_of(call.path);
  switch (call.what) {
    case Do::mkdir:
      std::filesystem::create_directories(path);
      break;
    case Do::rmdir:
      std::filesystem::remove_all(path);  // of an rmtree, whose files are gone already: with the folders below
      break;
    case Do::open:
    case Do::append: {
      const int mode = call.what == Do::open ? O_TRUNC : O_APPEND;
      open_[call.path] = Fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | mode, 0644)};
      need(static_cast<bool>(open_[call.path]), call);
      break;
    }
    case Do::write: {
      const int fd = fd_of(call.path);
      ::lseek(fd, 0, SEEK_END);
      need(write_all(fd, call.bytes, call.text).has_value(), call);
      break;
    }
    case Do::rewrite:
      need(::pwrite(fd_of(call.path), call.bytes.data(), call.bytes.size(), 0) ==
               static_cast<ssize_t>(call.bytes.size()),
           call);
      break;
    case Do::extend:
      need(::ftruncate(fd_of(call.path), static_cast<off_t>(call.length)) == 0, call);
      break;
    case Do::map:
      map_and_write(fd_of(call.path), call);
      break;
    case Do::hold:
      hold(call);
      break;
    case Do::poke:
      ENSURE(mapped_.contains(call.path) && call.bytes.size() <= mapped_.at(call.path).size, "{}", call.text);
      std::memcpy(mapped_.at(call.path).at, call.bytes.data(), call.bytes.size());
      break;
    case Do::let_go:
      let_go(call.path);
      break;
    case Do::sync:
      ::fsync(fd_of(call.path));
      break;
    case Do::close:
      open_.erase(call.path);
      break;
    case Do::rename:
      need(::rename(path.c_str(), path_of(call.to).c_str()) == 0, call);
      break;
    case Do::link:
      need(::link(path.c_str(), path_of(call.to).c_str()) == 0, call);
      break;
    case Do::unlink:
      ::unlink(path.c_str());
      break;
    case Do::touch: {
      const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
      need(static_cast<bool>(file), call);
      stamp(file.get());
      break;
    }
    case Do::pause:
      break;
  }
  const auto written = open_.find(call.path);
  if (written != open_.end() && call.what != Do::sync) stamp(written->second.get());
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> Writer::open_files() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> files;
  for (const auto& [path, fd] : open_) {
    struct stat status {};
    if (::fstat(fd.get(), &status) == 0) files.emplace_back(status.st_dev, status.st_ino);
  }
  for (const auto& [path, mapping] : mapped_) files.push_back(mapping.file);
  return files;
}

}  // namespace holdfast::testing
