#include "cli/terminal.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "base/ensure.hpp"

namespace holdfast::cli {

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

std::string coloured(const Terminal& terminal, std::string_view status) {
  if (!terminal.colour) return std::string{status};
  int colour = 36;  // cyan: on its way
  if (status == "Training" || status == "Completed") colour = 32;
  if (status == "Interrupted" || status == "Stopping" || status == "Stopped" || status.ends_with("Exceeded"))
    colour = 33;
  if (status == "Failed") colour = 31;
  return fmt::format("\x1b[1;{}m{}\x1b[0m", colour, status);
}

bool CtrlC::wait(Duration duration) {
  if (!signals_) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    ENSURE(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0, "blocking SIGINT");
    signals_ = Fd{signalfd(-1, &set, SFD_CLOEXEC)};
    ENSURE(static_cast<bool>(signals_), "signalfd for SIGINT");
  }
  pollfd ready{signals_.get(), POLLIN, 0};
  return ::poll(&ready, 1, static_cast<int>(duration.count())) > 0;
}

}  // namespace holdfast::cli
