#include "runtime/sandboxed_program.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include "base/ensure.hpp"
#include "base/poll.hpp"
#include "runtime/processes.hpp"

namespace holdfast::runtime {
namespace {
namespace fs = std::filesystem;

// How long a sandbox may take to come up (10 ms on an idle machine): kMaxStartPolls x kStartPollMs.
constexpr int kMaxStartPolls = 10000;
constexpr int kStartPollMs = 2;
constexpr std::size_t kMaxStatusText = 1 << 16;
constexpr std::size_t kMaxComplaint = 4096;

// What is there to read now.
void drain(int fd, std::string& text, std::size_t limit) {
  std::array<char, 4096> block;
  while (text.size() < limit) {
    const ssize_t n = ::read(fd, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.append(block.data(), static_cast<std::size_t>(n));
  }
}

// None while the number, or what follows it, has not arrived.
std::optional<std::uint64_t> number_after(std::string_view key, std::string_view text) {
  const auto at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + key.size());
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr == text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void SandboxedProgram::signal(int signal_number) {
  if (payload_fd_) send_signal(payload_fd_, signal_number);
}

void SandboxedProgram::kill() {
  // The first process of the namespace takes all others with it, and lets bwrap end in good order. Before it exists,
  // bwrap alone is there.
  const auto& first = reaper_fd_ ? reaper_fd_ : monitor_fd_;
  send_signal(first, SIGKILL);
}

Result<void> SandboxedProgram::await_start(const ports::ProgramSpec& spec, const fs::path& bwrap) {
  struct stat info = {};
  if (::stat(bwrap.c_str(), &info) != 0) return fail_errno("looking at " + bwrap.string(), errno);
  const std::pair<std::uint64_t, std::uint64_t> bwrap_file{info.st_dev, info.st_ino};
  for (int i = 0; i < kMaxStartPolls; ++i) {
    const bool ended = is_readable(monitor_fd_.get(), kStartPollMs);
    read_status();
    // bwrap writes the exit code only of a program that it could start.
    if (status_text_.find("\"exit-code\"") != std::string::npos) return {};
    if (ended) return fail(why_not_started(spec));
    if (find_program(bwrap_file)) return {};
  }
  // A program that is itself a bwrap never stops looking like ours.
  if (find_program(std::nullopt)) return {};
  return fail(Kind::try_again, "starting '{}': its sandbox did not come up in {} s", spec.command[0],
              kMaxStartPolls * kStartPollMs / 1000);
}

void SandboxedProgram::read_status() {
  drain(status_.get(), status_text_, kMaxStatusText);
  if (reaper_fd_) return;
  const auto pid = number_after("\"child-pid\": ", status_text_);
  const auto space = number_after("\"pid-namespace\": ", status_text_);
  if (!pid || !space) return;
  auto process = open_process(static_cast<pid_t>(*pid));
  // Its namespace tells it from a stranger that got the number after its end.
  if (!process || pid_namespace_of(static_cast<pid_t>(*pid)) != *space) return;
  reaper_ = static_cast<pid_t>(*pid);
  reaper_fd_ = std::move(process);
}

// `bwrap_file`: the program still looks like this before it is itself.
bool SandboxedProgram::find_program(const std::optional<std::pair<std::uint64_t, std::uint64_t>>& bwrap_file) {
  if (!reaper_fd_) return false;
  const auto payload = find_payload(reaper_);
  if (!payload) return false;
  auto fd = open_process(*payload);
  const auto file = executable_of(*payload);
  if (!fd || !file || file == bwrap_file || find_payload(reaper_) != payload) return false;
  payload_fd_ = std::move(fd);
  return true;
}

Error SandboxedProgram::why_not_started(const ports::ProgramSpec& spec) {
  std::string said;
  drain(stderr_.get(), said, kMaxComplaint);
  while (!said.empty() && said.back() == '\n') said.pop_back();
  const auto mentions = [&](std::string_view words) { return said.find(words) != std::string::npos; };
  const auto because = [&](Kind kind, std::string why) { return Error{kind, std::move(why)}; };

  if (mentions("execvp ") && mentions("No such file")) {
    return because(Kind::invalid,
                   fmt::format("command '{}' not found in image '{}' (or what its first line, #!, names)",
                               spec.command[0], spec.image));
  }
  if (mentions("execvp ")) {
    return because(Kind::invalid,
                   fmt::format("command '{}' cannot be run in image '{}': {}", spec.command[0], spec.image, said));
  }
  if (mentions("chdir")) {
    return because(Kind::invalid, fmt::format("working directory '{}' cannot be had in image '{}': {}",
                                              spec.working_directory, spec.image, said));
  }
  if (mentions("namespace") || mentions("uid map") || mentions("mount proc")) {
    return because(Kind::permanent,
                   fmt::format("this machine does not allow the sandbox, which needs user namespaces: {}. As root: "
                               "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000; inside a "
                               "container: run that with --privileged",
                               said));
  }
  return because(Kind::permanent, fmt::format("setting up the sandbox for '{}' in image '{}': {}", spec.command[0],
                                              spec.image, said.empty() ? "bwrap ended without a word" : said));
}

ports::ProgramExit SandboxedProgram::collect() {
  if (exit_) return *exit_;
  int status = 0;
  pid_t collected = 0;
  do collected = ::waitpid(monitor_, &status, 0);
  while (collected < 0 && errno == EINTR);
  ENSURE(collected == monitor_, "waiting for bwrap {}: {}", monitor_, std::strerror(errno));
  // bwrap ends with its program; what that left in the background ends here.
  if (reaper_fd_) {
    kill();
    is_readable(reaper_fd_.get(), -1);
  }
  exit_.emplace();
  exit_->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  exit_->signalled = exit_->code > 128 && exit_->code < 128 + NSIG;
  exit_->out_of_memory = exit_->code != 0 && cgroup_.out_of_memory();
  return *exit_;
}

std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>> SandboxedProgram::files_open_for_writing() const {
  if (exit_ || !reaper_fd_ || is_readable(reaper_fd_.get(), 0)) return std::nullopt;
  auto open = runtime::files_open_for_writing(with_descendants(reaper_));
  // What was looked at must have been alive to the end.
  if (is_readable(reaper_fd_.get(), 0)) return std::nullopt;
  return open;
}

ports::ProgramUse SandboxedProgram::use() const {
  if (!reaper_fd_ || is_readable(reaper_fd_.get(), 0)) return {};
  const auto use = use_of(with_descendants(reaper_));
  // Ended meanwhile: its number may have gone to a stranger.
  return is_readable(reaper_fd_.get(), 0) ? ports::ProgramUse{} : use;
}

}  // namespace holdfast::runtime
