#include "agent/fifo.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.hpp"

namespace holdfast::agent {
namespace {

// The most that Linux gives to a user without privileges; it takes a few system calls off each MiB.
constexpr int kCapacity = 1 << 20;

}  // namespace

Result<Fifo> Fifo::make(int directory, const std::string& name, int stop) {
  if (::mkfifoat(directory, name.c_str(), 0644) != 0 && errno != EEXIST) {
    return fail_errno("making the pipe " + name, errno);
  }
  Fd place{::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  struct stat status {};
  if (!place || ::fstat(place.get(), &status) != 0) return fail_errno("opening the pipe " + name, errno);
  if (!S_ISFIFO(status.st_mode)) {
    return fail(Kind::invalid,
                "/opt/ml/input/data/{} is where a pipe belongs, and the program put something else there", name);
  }
  return Fifo(std::move(place), stop);
}

Fd Fifo::open_again(int flags) const {
  return Fd{::open(fmt::format("/proc/self/fd/{}", place_.get()).c_str(), flags | O_CLOEXEC)};
}

Result<Sent> Fifo::await_reader() {
  writer_ = open_again(O_WRONLY);
  if (!writer_ || ::fcntl(writer_.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("opening a pipe", errno);
  ::fcntl(writer_.get(), F_SETPIPE_SZ, kCapacity);  // as it is, where the user has too much in pipes already
  pollfd stop{stop_, POLLIN, 0};
  return ::poll(&stop, 1, 0) == 0 ? Sent::all : Sent::stopped;
}

// The kernel lets a writer in as soon as there is a reader, so be one.
void Fifo::release() {
  own_reader_ = open_again(O_RDONLY | O_NONBLOCK);
  if (!own_reader_) log_error("opening a pipe in order to leave it: {}", std::strerror(errno));
}

Result<Sent> Fifo::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(writer_.get(), bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EPIPE) return Sent::reader_gone;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail_errno("writing to a pipe", errno);
    pollfd waiting[] = {{writer_.get(), POLLOUT, 0}, {stop_, POLLIN, 0}};
    ::poll(waiting, 2, -1);
    if (waiting[1].revents != 0) return Sent::stopped;
  }
  return Sent::all;
}

}  // namespace holdfast::agent
