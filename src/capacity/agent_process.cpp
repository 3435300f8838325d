#include "capacity/agent_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/ensure.hpp"

namespace holdfast::capacity {

namespace {

using Json = nlohmann::json;
constexpr const char* kUnfinishedProcessFile = "process.json.new";
constexpr std::size_t kMaxProcFile = 4096;

// Field 22 of /proc/PID/stat. The second field is the program's name in brackets and may hold anything, so counting
// begins behind the last bracket. Allocates nothing: it also runs between fork and exec.
std::optional<std::uint64_t> start_time_in(std::string_view stat) {
  const auto bracket = stat.rfind(')');
  if (bracket == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(bracket + 1);
  for (int field = 3; field <= 22; ++field) {
    const auto begin = stat.find_first_not_of(' ');
    if (begin == std::string_view::npos) return std::nullopt;
    stat.remove_prefix(begin);
    const auto word = stat.substr(0, stat.find(' '));
    if (field == 22) {
      std::uint64_t ticks = 0;
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), ticks);
      return error == std::errc{} ? std::optional(ticks) : std::nullopt;
    }
    stat.remove_prefix(word.size());
  }
  return std::nullopt;
}

Result<std::string> this_boot() {
  auto id = read_file("/proc/sys/kernel/random/boot_id", kMaxProcFile);
  if (id && id->ends_with('\n')) id->pop_back();
  return id;
}

// What the new process reports through a pipe that closes when it becomes the program.
struct StartReport {
  pid_t pid = 0;
  std::uint64_t start_time = 0;
  int error_number = 0;        // 0: about to become the program
  const char* step = nullptr;  // a literal: the same address in parent and child
};

// Everything the new process needs, made ready before the fork: after it only system calls are allowed, since another
// thread may have held any lock.
struct StartPlan {
  std::vector<char*> argv;
  int directory, devnull, log, report;
  char boot_id[64];
};

[[noreturn]] void give_up(const StartPlan& plan, const char* step, int error_number) {
  const StartReport report{.error_number = error_number, .step = step};
  [[maybe_unused]] const auto written = ::write(plan.report, &report, sizeof report);
  ::_exit(127);
}

std::uint64_t own_start_time(const StartPlan& plan) {
  char stat[kMaxProcFile];
  const int fd = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  const ssize_t n = fd < 0 ? -1 : ::read(fd, stat, sizeof stat);
  if (n < 0) give_up(plan, "reading /proc/self/stat", errno);
  ::close(fd);
  const auto ticks = start_time_in({stat, static_cast<std::size_t>(n)});
  if (!ticks) give_up(plan, "understanding /proc/self/stat", EINVAL);
  return *ticks;
}

// Whoever makes process.json first, wins: a hard link fails where one exists already.
void claim_process_file(const StartPlan& plan, pid_t pid, std::uint64_t start_time) {
  char text[256];
  const auto end = fmt::format_to_n(text, sizeof text, R"({{"pid":{},"start_time":{},"boot_id":"{}"}})", pid,
                                    start_time, static_cast<const char*>(plan.boot_id));
  const int fd = ::openat(plan.directory, kUnfinishedProcessFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) give_up(plan, "writing process.json", errno);
  const ssize_t n = ::write(fd, text, end.size);
  if (n != static_cast<ssize_t>(end.size)) give_up(plan, "writing process.json", n < 0 ? errno : ENOSPC);
  ::close(fd);
  if (::linkat(plan.directory, kUnfinishedProcessFile, plan.directory, kProcessFile, 0) != 0) {
    give_up(plan, "claiming process.json", errno);
  }
  ::unlinkat(plan.directory, kUnfinishedProcessFile, 0);
}

[[noreturn]] void become_agent(const StartPlan& plan) {
  ::setsid();
  if (::chdir("/") != 0) give_up(plan, "going to /", errno);
  if (::dup2(plan.devnull, 0) < 0 || ::dup2(plan.log, 1) < 0 || ::dup2(plan.log, 2) < 0) {
    give_up(plan, "redirecting its output", errno);
  }
  // Every file of ours that some library opened without O_CLOEXEC, too; the report closes with the rest.
  ::syscall(SYS_close_range, 3U, ~0U, static_cast<unsigned>(CLOSE_RANGE_CLOEXEC));
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  const StartReport report{.pid = ::getpid(), .start_time = own_start_time(plan)};
  claim_process_file(plan, report.pid, report.start_time);
  if (::write(plan.report, &report, sizeof report) != static_cast<ssize_t>(sizeof report)) ::_exit(127);
  ::execv(plan.argv[0], plan.argv.data());
  give_up(plan, "executing it", errno);
}

// The last word counts: first "here I am", then perhaps "it cannot be executed".
StartReport read_report(int fd) {
  StartReport last{.error_number = ECHILD, .step = "forking"};
  for (;;) {
    StartReport next;
    const ssize_t n = ::read(fd, &next, sizeof next);
    if (n < 0 && errno == EINTR) continue;
    if (n != static_cast<ssize_t>(sizeof next)) return last;
    last = next;
  }
}

Result<void> fork_twice(const StartPlan& plan) {
  const pid_t between = ::fork();
  if (between < 0) return fail_errno("forking for an agent", errno);
  if (between == 0) {
    const pid_t agent = ::fork();
    if (agent == 0) become_agent(plan);
    if (agent < 0) give_up(plan, "forking again", errno);
    ::_exit(0);
  }
  while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {};
}

}  // namespace

std::string process_to_json(const ProcessIdentity& process) {
  return Json{{"pid", process.pid}, {"start_time", process.start_time}, {"boot_id", process.boot_id}}.dump();
}

Result<ProcessIdentity> process_from_json(std::string_view text) {
  try {
    const auto json = Json::parse(text);
    return ProcessIdentity{json.at("pid").get<pid_t>(), json.at("start_time").get<std::uint64_t>(),
                           json.at("boot_id").get<std::string>()};
  } catch (const Json::exception& error) {
    return fail(Kind::permanent, "understanding process.json: {}", error.what());
  }
}

Result<ProcessIdentity> start_detached(const std::vector<std::string>& argv, const std::filesystem::path& directory) {
  const auto boot = this_boot();
  if (!boot) return fail(boot.error());
  const Fd dir{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!dir) return fail_errno("opening " + directory.string(), errno);
  const Fd devnull{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!devnull) return fail_errno("opening /dev/null", errno);
  const Fd log{::openat(dir.get(), kAgentLog, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  if (!log) return fail_errno("opening " + (directory / kAgentLog).string(), errno);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("making a pipe", errno);
  const Fd reading{ends[0]};
  Fd writing{ends[1]};

  StartPlan plan{.argv = {},
                 .directory = dir.get(),
                 .devnull = devnull.get(),
                 .log = log.get(),
                 .report = writing.get(),
                 .boot_id = {}};
  boot->copy(plan.boot_id, sizeof plan.boot_id - 1);
  for (const auto& word : argv) plan.argv.push_back(const_cast<char*>(word.c_str()));
  plan.argv.push_back(nullptr);

  if (auto forked = fork_twice(plan); !forked) return fail(forked.error());
  writing.reset();
  const StartReport report = read_report(reading.get());
  if (report.error_number != 0) {
    return fail_errno(fmt::format("starting {}: {}", argv[0], report.step), report.error_number);
  }
  return ProcessIdentity{report.pid, report.start_time, *boot};
}

Result<Fd> open_process(const ProcessIdentity& process) {
  const auto gone = [&] { return fail(Kind::not_found, "process {} is gone", process.pid); };
  const auto boot = this_boot();
  if (!boot) return fail(boot.error());
  if (process.pid <= 1 || process.boot_id != *boot) return gone();
  Fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0U))};
  if (!pidfd && errno == ESRCH) return gone();
  if (!pidfd) return fail_errno(fmt::format("watching process {}", process.pid), errno);
  // Only now: while we hold the pidfd, a matching start time read afterwards is that of this very process.
  const auto stat = read_file(fmt::format("/proc/{}/stat", process.pid), kMaxProcFile);
  if (!stat || start_time_in(*stat) != process.start_time) return gone();
  // A zombie that nobody has collected yet is as good as gone.
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, 0) > 0) return gone();
  return pidfd;
}

void kill_process_group(int pidfd, pid_t pid) {
  ENSURE(pid > 1, "killing the process group of {} would kill others", pid);
  ::kill(-pid, SIGKILL);
  ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0U);
}

}  // namespace holdfast::capacity
