#include "runtime/bubblewrap.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include "base/ensure.hpp"
#include "base/log.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/processes.hpp"
#include "runtime/sandbox_plan.hpp"

namespace holdfast::runtime {
namespace {
namespace fs = std::filesystem;

// How long a sandbox may take to come up (10 ms on an idle machine): kMaxStartPolls x kStartPollMs.
constexpr int kMaxStartPolls = 10000;
constexpr int kStartPollMs = 2;
constexpr std::size_t kMaxStatusText = 1 << 16;
constexpr std::size_t kMaxComplaint = 4096;
// bwrap's own two processes count in the control group too.
constexpr std::uint64_t kSandboxProcesses = 2;

bool is_readable(int fd, int timeout_ms) {
  pollfd waiting{fd, POLLIN, 0};
  int ready = 0;
  do ready = ::poll(&waiting, 1, timeout_ms);
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

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

class SandboxedProgram final : public ports::Program {
 public:
  SandboxedProgram(pid_t monitor, Fd monitor_fd, Streams& streams, Cgroup cgroup)
      : monitor_(monitor),
        monitor_fd_(std::move(monitor_fd)),
        stdout_(std::move(streams.output.read)),
        stderr_(std::move(streams.error.read)),
        status_(std::move(streams.status.read)),
        cgroup_(std::move(cgroup)) {}
  ~SandboxedProgram() override {
    kill();
    collect();
  }

  int stdout_fd() const override { return stdout_.get(); }
  int stderr_fd() const override { return stderr_.get(); }
  int exit_fd() const override { return monitor_fd_.get(); }
  void signal(int signal_number) override {
    if (payload_fd_) send_signal(payload_fd_, signal_number);
  }
  void kill() override {
    // The first process of the namespace takes all others with it, and lets bwrap end in good order. Before it exists,
    // bwrap alone is there.
    const auto& first = reaper_fd_ ? reaper_fd_ : monitor_fd_;
    send_signal(first, SIGKILL);
  }
  ports::ProgramExit collect() override;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> files_open_for_writing() const override;

  // Waits until the program runs in place of bwrap's last process, or has ended. The error is why it never ran.
  Result<void> await_start(const ports::ProgramSpec& spec, const fs::path& bwrap);

 private:
  void read_status();
  bool find_program(const std::optional<std::pair<std::uint64_t, std::uint64_t>>& bwrap_file);
  Error why_not_started(const ports::ProgramSpec& spec);

  // Three processes: bwrap outside (the monitor, our child), bwrap as process 1 of the namespace (the reaper), and the
  // program as process 2. The descriptors are pidfds, so a number used again never hits a stranger.
  pid_t monitor_;
  Fd monitor_fd_;
  pid_t reaper_ = 0;
  Fd reaper_fd_;
  Fd payload_fd_;
  Fd stdout_, stderr_, status_;
  std::string status_text_;
  Cgroup cgroup_;
  std::optional<ports::ProgramExit> exit_;
};

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
  constexpr std::string_view key = "\"child-pid\": ";
  const auto at = status_text_.find(key);
  if (reaper_fd_ || at == std::string::npos) return;
  const auto* const begin = status_text_.data() + at + key.size();
  const auto* const end = status_text_.data() + status_text_.size();
  pid_t pid = 0;
  const auto parsed = std::from_chars(begin, end, pid);
  if (parsed.ec != std::errc{} || parsed.ptr == end) return;  // not all of it has arrived
  // The monitor collects it, so while the monitor runs the number is its own; a number used again would not be its
  // child.
  auto fd = open_process(pid);
  const auto family = with_descendants(monitor_);
  if (!fd || std::find(family.begin(), family.end(), pid) == family.end()) return;
  reaper_ = pid;
  reaper_fd_ = std::move(fd);
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

std::vector<std::pair<std::uint64_t, std::uint64_t>> SandboxedProgram::files_open_for_writing() const {
  if (exit_ || !reaper_fd_ || is_readable(reaper_fd_.get(), 0)) return {};
  return runtime::files_open_for_writing(with_descendants(reaper_));
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
  auto program = std::make_unique<SandboxedProgram>(monitor, std::move(monitor_fd), streams, std::move(cgroup));

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
