#include "agent/machine.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "agent/artifacts.hpp"
#include "agent/disk_folder.hpp"
#include "agent/fast_files.hpp"
#include "agent/gpu_readings.hpp"
#include "agent/log_spool.hpp"
#include "agent/pipe_feed.hpp"
#include "base/log.hpp"

namespace holdfast::agent {
namespace {

constexpr std::size_t kMaxNotice = 64 * 1024;
constexpr std::size_t kReadBlock = 64 * 1024;
constexpr int kBlocksAtOnce = 16;
constexpr const char* kCommitDirectory = "commit";
constexpr const char* kCommitMount = "/run/holdfast";
constexpr const char* kCommitVariable = "HOLDFAST_CHECKPOINT_SOCKET";

int poll_timeout(std::optional<Duration> most) {
  if (!most) return -1;
  return static_cast<int>(std::clamp<std::int64_t>(most->count(), 0, 60'000));
}

}  // namespace

// ---- the program, its pipes and its end

class Machine::Sandboxed final : public TrainingProgram {
 public:
  Sandboxed(Machine& machine, std::unique_ptr<ports::Program> program, LineSink line)
      : machine_(machine), program_(std::move(program)), line_(std::move(line)) {
    fds_ = {program_->exit_fd(), program_->stdout_fd(), program_->stderr_fd()};
    machine_.program_ = this;
  }
  ~Sandboxed() override { machine_.program_ = nullptr; }

  void signal(int signal_number) override { program_->signal(signal_number); }
  void kill() override { program_->kill(); }
  std::optional<ports::ProgramExit> exit() override { return exit_; }
  std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>> files_open_for_writing() const override {
    return program_->files_open_for_writing();
  }

  ports::ProgramUse use() const { return program_->use(); }

  void add_to(std::vector<pollfd>& fds) const {
    for (const int fd : fds_) fds.push_back({exit_ ? -1 : fd, POLLIN, 0});
  }
  // What is ready of the three that add_to() added.
  void take(const pollfd* ready) {
    bool more = false;
    for (std::size_t i : {1U, 2U}) {
      if (fds_[i] < 0 || ready[i].revents == 0) continue;
      if (read_lines(i)) more = true;
    }
    if (exit_ || ready[0].revents == 0 || more) return;
    const auto exit = program_->collect();
    for (std::size_t i : {1U, 2U}) {
      if (fds_[i] >= 0) read_lines(i);
      splitters_[i - 1].finish(line_);
    }
    exit_ = exit;
  }

 private:
  // Reads what is there, a bounded amount at a time. False: the end.
  bool read_lines(std::size_t i) {
    char block[kReadBlock];
    for (int round = 0; round < kBlocksAtOnce; ++round) {
      const ssize_t n = ::read(fds_[i], block, sizeof block);
      if (n > 0) {
        splitters_[i - 1].feed({block, static_cast<std::size_t>(n)}, line_);
        continue;
      }
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
      fds_[i] = -1;
      return false;
    }
    return true;
  }

  Machine& machine_;
  std::unique_ptr<ports::Program> program_;
  LineSink line_;
  std::array<int, 3> fds_{};  // exit, stdout, stderr
  std::array<LineSplitter, 2> splitters_;
  std::optional<ports::ProgramExit> exit_;
};

class Machine::MachineMeter final : public Meter {
 public:
  explicit MachineMeter(const Machine& machine) : machine_(machine), program_(*machine.program_) {}

  Readings read() override {
    Readings readings;
    readings.program = program_.use();
    struct sysinfo memory = {};
    if (::sysinfo(&memory) == 0) readings.machine_memory = std::uint64_t{memory.totalram} * memory.mem_unit;
    // As df counts it: what only root may take is not there.
    struct statvfs disk = {};
    if (::statvfs(machine_.facts_.directory.c_str(), &disk) == 0 && disk.f_blocks > 0) {
      const auto used = static_cast<double>(disk.f_blocks - disk.f_bfree);
      const double usable = used + static_cast<double>(disk.f_bavail);
      if (usable > 0) readings.disk_percent = 100.0 * used / usable;
    }
    readings.gpus = read_gpus(machine_.facts_.devices, machine_.clock_);
    return readings;
  }

 private:
  const Machine& machine_;
  const Sandboxed& program_;
};

// A channel in FastFile mode. The last of them ends what shows them.
class Machine::ShownChannel final : public ChannelFeed {
 public:
  ShownChannel(Machine& machine, std::string channel, std::shared_ptr<FastFiles> files)
      : machine_(machine), channel_(std::move(channel)), files_(std::move(files)) {}
  ~ShownChannel() override {
    const std::lock_guard lock(machine_.showing_);
    machine_.shown_.erase(channel_);
  }
  std::optional<Error> trouble() const override { return files_->trouble(); }
  void let_go() override { files_->let_go(); }

 private:
  Machine& machine_;
  const std::string channel_;
  const std::shared_ptr<FastFiles> files_;
};

// ---- files

Machine::Machine(MachineFacts facts, ports::Runtime& runtime, Clock& clock)
    : facts_(std::move(facts)), runtime_(runtime), clock_(clock), woken_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  watch_for_notices();
}
Machine::~Machine() = default;

Result<void> Machine::lay_out(const job::JobSpec& spec) {
  auto layout = agent::lay_out(spec, facts_.directory / "ml");
  if (!layout) return fail(layout.error());
  layout_ = std::move(*layout);
  return {};
}

Result<std::unique_ptr<Folder>> Machine::channel_folder(const std::string& channel) {
  auto folder = DiskFolder::open(layout_.data / channel);
  if (!folder) return fail(folder.error());
  return std::move(*folder);
}

Result<std::unique_ptr<ChannelFeed>> Machine::feed_channel(ports::ObjectStore& objects, const std::string& channel,
                                                           ChannelStream stream) {
  auto feed = PipeFeed::start(objects, channel, std::move(stream), layout_.data, tasks_, [this] { wake(); });
  if (!feed) return fail(feed.error());
  return std::move(*feed);
}

Result<std::unique_ptr<ChannelFeed>> Machine::show_channel(const std::string& channel, const ChannelListing& listing,
                                                           LineSink note) {
  auto files = fast_files(std::move(note));
  if (!files) return fail(files.error());
  if (auto shown = (*files)->show(channel, listing); !shown) return fail(shown.error());
  const std::lock_guard lock(showing_);
  shown_[channel] = (*files)->folder_of(channel);
  return std::make_unique<ShownChannel>(*this, channel, std::move(*files));
}

// One for all channels of the instance: they share its memory.
Result<std::shared_ptr<FastFiles>> Machine::fast_files(LineSink note) {
  if (facts_.fast_files_command.empty()) return fail(Kind::permanent, "this agent was not told how to show them");
  const std::lock_guard lock(showing_);
  if (auto running = fast_files_.lock()) return running;
  auto started = FastFiles::start(facts_.fast_files_command, facts_.directory, std::move(note), [this] { wake(); });
  if (!started) return fail(started.error());
  std::shared_ptr<FastFiles> files = std::move(*started);
  fast_files_ = files;
  return files;
}

std::vector<ports::Mount> Machine::mounts() {
  auto all = layout_.mounts;
  const std::lock_guard lock(showing_);
  for (const auto& [channel, files] : shown_) {
    const auto own = std::ranges::find(all, layout_.data / channel, &ports::Mount::source);
    if (own != all.end()) own->source = files;
  }
  return all;
}

Result<std::unique_ptr<Folder>> Machine::checkpoint_folder() {
  auto folder = DiskFolder::open(*layout_.checkpoints);
  if (!folder) return fail(folder.error());
  return std::move(*folder);
}

Result<Fd> Machine::spool_file() {
  const auto path = facts_.directory / "log.spool";
  Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!fd) return fail_errno("opening " + path.string(), errno);
  return fd;
}

// A job trains without it, too.
std::unique_ptr<CommitSocket> Machine::commit_socket(CommitRequests& requests, Clock& clock) {
  auto socket = CommitSocket::open(facts_.directory / kCommitDirectory, requests, tasks_, clock);
  if (!socket) {
    log_warn("no socket for commits: {}", socket.error().message);
    return nullptr;
  }
  has_commit_socket_ = true;
  return std::move(*socket);
}

Result<std::unique_ptr<TrainingProgram>> Machine::start_program(const job::JobSpec& spec, LineSink line) {
  auto command = program_command(spec);
  if (!command) return fail(command.error());
  ports::ProgramSpec program;
  program.image = spec.image;
  program.command = std::move(*command);
  program.environment = program_environment(spec, facts_.instance);
  program.mounts = mounts();
  if (has_commit_socket_) {
    program.mounts.push_back({facts_.directory / kCommitDirectory, kCommitMount, false});
    program.environment.emplace(kCommitVariable, fmt::format("{}/{}", kCommitMount, kCommitSocketName));
  }
  program.hidden = facts_.hidden;
  if (!spec.working_directory.empty()) program.working_directory = spec.working_directory;
  program.hostname = kHostName;
  program.network = !spec.network_isolation;
  program.devices = facts_.devices;
  auto started = runtime_.start(program);
  if (!started) return fail(started.error());
  return std::make_unique<Sandboxed>(*this, std::move(*started), std::move(line));
}

std::unique_ptr<Meter> Machine::meter() { return program_ ? std::make_unique<MachineMeter>(*this) : nullptr; }

Result<void> Machine::write_notice(Instant deadline, const std::string& reason) {
  return agent::write_notice(layout_, deadline, reason);
}

std::string Machine::failure_text() { return read_failure(layout_); }

Result<std::vector<std::string>> Machine::store_results(ports::ObjectStore& objects, const job::JobSpec& spec,
                                                        bool with_model) {
  const auto output = ports::parse_s3_uri(spec.output_path);
  if (!output) return fail(output.error());
  const auto scratch = facts_.directory / "scratch";
  if (auto made = make_directories(scratch); !made) return fail(made.error());
  std::vector<std::string> passed_over;
  if (with_model && spec.archive_model) {
    if (auto stored = store_model(objects, *output, spec.name, layout_.model, scratch); !stored) {
      return fail(stored.error());
    }
  } else if (with_model) {
    auto stored = store_model_files(objects, *output, spec.name, layout_.model);
    if (!stored) return fail(stored.error());
    passed_over = std::move(*stored);
  }
  if (auto stored = store_output_data(objects, *output, spec.name, layout_.output_data, scratch); !stored) {
    return fail(stored.error());
  }
  return passed_over;
}

// ---- news

void Machine::watch_for_notices() {
  notices_ = Fd{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  ::inotify_add_watch(notices_.get(), facts_.directory.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE);
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  shutdown_ = Fd{::signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC)};
  look_for_notice();  // it may have come before us
}

void Machine::look_for_notice() {
  if (notice_) return;
  const auto text = read_file(facts_.directory / "notice.json", kMaxNotice);
  if (!text) return;
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (json.is_discarded() || !json.contains("deadline_ms") || !json["deadline_ms"].is_number_integer()) return;
  notice_ = from_ms(json["deadline_ms"].get<std::int64_t>());
}

void Machine::wait(std::optional<Duration> most) {
  std::vector<pollfd> fds = {{woken_.get(), POLLIN, 0}, {notices_.get(), POLLIN, 0}, {shutdown_.get(), POLLIN, 0}};
  const std::size_t programs = fds.size();
  if (program_) program_->add_to(fds);
  ::poll(fds.data(), fds.size(), poll_timeout(most));
  if (fds[0].revents != 0) {
    std::uint64_t value = 0;
    while (::read(woken_.get(), &value, sizeof value) > 0) {
    }
  }
  if (fds[1].revents != 0) {
    char events[4096];
    while (::read(notices_.get(), events, sizeof events) > 0) {
    }
    look_for_notice();
  }
  if (fds[2].revents != 0) {
    signalfd_siginfo info;
    while (::read(shutdown_.get(), &info, sizeof info) > 0) {
    }
    if (!notice_) notice_ = clock_.now() + kShutdownNotice;
  }
  if (program_) program_->take(fds.data() + programs);
}

void Machine::wake() {
  const std::uint64_t one = 1;
  if (::write(woken_.get(), &one, sizeof one) < 0) log_warn("waking the agent failed");
}

void Machine::leave() { ::_exit(0); }

}  // namespace holdfast::agent
