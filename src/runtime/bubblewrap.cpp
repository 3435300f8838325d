#include "runtime/bubblewrap.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/ensure.hpp"
#include "base/log.hpp"
#include "base/poll.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/processes.hpp"
#include "runtime/sandbox_plan.hpp"
#include "runtime/sandboxed_program.hpp"

namespace holdfast::runtime {
namespace {
// bwrap's own two processes count in the control group too.
constexpr std::uint64_t kSandboxProcesses = 2;

// Descriptors handed over by number must not be 0, 1 or 2: the child puts its standard streams there.
Result<Fd> above_standard_streams(Fd fd) {
  if (fd.get() > STDERR_FILENO) return fd;
  Fd higher{::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
  if (!higher) return fail_errno("duplicating a descriptor", errno);
  return higher;
}

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("making a pipe", errno);
  Fd read{ends[0]}, write{ends[1]};
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return fail_errno("making a pipe", errno);
  auto high_read = above_standard_streams(std::move(read));
  auto high_write = above_standard_streams(std::move(write));
  if (!high_read) return fail(high_read.error());
  if (!high_write) return fail(high_write.error());
  return Pipe{std::move(*high_read), std::move(*high_write)};
}

// For what bwrap reads from a descriptor: nothing of it appears on a command line or on a disk.
Result<Fd> open_in_memory() {
  Fd made{::memfd_create("holdfast", MFD_CLOEXEC)};
  if (!made) return fail_errno("making a file in memory", errno);
  return above_standard_streams(std::move(made));
}

Result<void> fill(const Fd& in_memory, std::string_view bytes) {
  if (auto written = write_all(in_memory.get(), bytes, "writing a file in memory"); !written) return written;
  if (::lseek(in_memory.get(), 0, SEEK_SET) != 0) return fail_errno("rewinding a file in memory", errno);
  return {};
}

std::string joined_with_zeros(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text.append(word).push_back('\0');
  return text;
}

struct Streams {
  Fd input;  // /dev/null
  Pipe output, error, status, trouble;
  Fd options, hosts;
};

Result<Streams> open_streams() {
  Streams streams;
  auto input = above_standard_streams(Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)});
  if (!input) return fail(input.error());
  streams.input = std::move(*input);
  for (Pipe* pipe : {&streams.output, &streams.error, &streams.status, &streams.trouble}) {
    auto made = make_pipe();
    if (!made) return fail(made.error());
    *pipe = std::move(*made);
  }
  for (Fd* file : {&streams.options, &streams.hosts}) {
    auto made = open_in_memory();
    if (!made) return fail(made.error());
    *file = std::move(*made);
  }
  return streams;
}

// What the child tells before it is bwrap.
struct Trouble {
  enum class What { joining_cgroup, running_bwrap } what;
  int error_number;
};

// Between fork and exec of a program with threads: only what is safe in a signal handler.
[[noreturn]] void become_bwrap(const Streams& streams, const Cgroup& cgroup, const char* bwrap, char* const* arguments,
                               pid_t parent) {
  const auto report = [&](Trouble::What what) {
    const Trouble trouble{what, errno};
    [[maybe_unused]] const auto ignored = ::write(streams.trouble.write.get(), &trouble, sizeof trouble);
  };
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before it could take us along
  // A program expects no signal blocked or ignored; an agent blocks and ignores some.
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  for (const auto& entrance : cgroup.entrances()) {
    if (::write(entrance.get(), "0", 1) != 1) report(Trouble::What::joining_cgroup);
  }
  ::dup2(streams.input.get(), STDIN_FILENO);
  ::dup2(streams.output.write.get(), STDOUT_FILENO);
  ::dup2(streams.error.write.get(), STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int fd : {streams.options.get(), streams.hosts.get(), streams.status.write.get()}) ::fcntl(fd, F_SETFD, 0);
  const char* const environment[] = {"LC_ALL=C", nullptr};  // its messages are read below
  ::execve(bwrap, arguments, const_cast<char* const*>(environment));
  report(Trouble::What::running_bwrap);
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<ports::Program>> BubblewrapRuntime::start(const ports::ProgramSpec& spec) {
  if (spec.command.empty()) return fail(Kind::invalid, "there is no command to run in image '{}'", spec.image);
  if (::access(bwrap_.c_str(), X_OK) != 0) {
    return fail(Kind::permanent,
                "programs run in a sandbox made by bubblewrap, and there is no {}: apt-get install bubblewrap",
                bwrap_.string());
  }

  auto opened = open_streams();
  if (!opened) return fail(opened.error(), "starting '{}'", spec.command[0]);
  auto streams = std::move(*opened);
  const auto plan = plan_sandbox(spec, streams.hosts.get());
  if (!plan) return fail(plan.error());
  if (auto filled = fill(streams.hosts, plan->hosts); !filled) return fail(filled.error());
  if (auto filled = fill(streams.options, joined_with_zeros(plan->options)); !filled) return fail(filled.error());

  std::vector<std::string> words{"bwrap",
                                 "--json-status-fd",
                                 std::to_string(streams.status.write.get()),
                                 "--args",
                                 std::to_string(streams.options.get()),
                                 "--"};
  words.insert(words.end(), spec.command.begin(), spec.command.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  auto cgroup = Cgroup::create({spec.memory_bytes, spec.pids_limit + kSandboxProcesses});
  if (!cgroup.missing().empty() && !warned_about_limits_.exchange(true)) {
    log_warn("programs run without some limits on this machine: {}", cgroup.missing());
  }

  const pid_t parent = ::getpid();
  const pid_t monitor = ::fork();
  if (monitor < 0) return fail_errno("starting " + spec.command[0], errno);
  if (monitor == 0) become_bwrap(streams, cgroup, bwrap_.c_str(), arguments.data(), parent);

  auto monitor_fd = open_process(monitor);
  ENSURE(monitor_fd, "no handle on our own child: {}", std::strerror(errno));
  streams.output.write.reset();
  streams.error.write.reset();
  streams.status.write.reset();
  streams.trouble.write.reset();
  auto program = std::make_unique<SandboxedProgram>(
      monitor, std::move(monitor_fd),
      ProgramStreams{std::move(streams.output.read), std::move(streams.error.read), std::move(streams.status.read)},
      std::move(cgroup));

  // End of file: the child is bwrap now, or no more.
  for (Trouble trouble{};;) {
    is_readable(streams.trouble.read.get(), -1);
    if (::read(streams.trouble.read.get(), &trouble, sizeof trouble) != sizeof trouble) break;
    if (trouble.what == Trouble::What::running_bwrap)
      return fail_errno("running " + bwrap_.string(), trouble.error_number);
    if (!warned_about_limits_.exchange(true)) {
      log_warn("programs run without some limits on this machine: joining a control group: {}",
               std::strerror(trouble.error_number));
    }
  }
  if (auto started = program->await_start(spec, bwrap_); !started) return fail(started.error());
  return program;
}

}  // namespace holdfast::runtime
