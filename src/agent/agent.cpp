#include "agent/agent.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "agent/artifacts.hpp"
#include "agent/channels.hpp"
#include "agent/checkpoint_restore.hpp"
#include "agent/checkpoint_sync.hpp"
#include "agent/reporter.hpp"
#include "base/ensure.hpp"
#include "base/log.hpp"
#include "job/decide.hpp"

namespace holdfast::agent {

namespace {

using job::Outcome;
using ports::Order;

constexpr std::size_t kMaxNotice = 64 * 1024;
constexpr std::size_t kReadBlock = 64 * 1024;

job::Generation as_job_generation(const checkpoint::GenerationId& id) { return {id.fence, id.sequence}; }

int poll_timeout(std::optional<Instant> until, Instant now) {
  if (!until) return -1;
  return static_cast<int>(std::clamp<std::int64_t>((*until - now).count(), 0, 60'000));
}

void drain_eventfd(int fd) {
  std::uint64_t value = 0;
  while (::read(fd, &value, sizeof value) > 0) {
  }
}

// Why an attempt cannot go on, in the words of its outcome.
struct Failure {
  Outcome outcome;
  std::string reason;
};
template <class T>
using Phase = tl::expected<T, Failure>;

tl::unexpected<Failure> blame(const Error& error) {
  const bool users = error.kind == Kind::invalid || error.kind == Kind::not_found;
  return tl::unexpected<Failure>(Failure{users ? Outcome::bad_input : Outcome::failed, error.message});
}

// Follows the checkpoint directory on a thread of its own, from the program's start to its end.
class SyncThread {
 public:
  SyncThread(CheckpointSync& sync, Clock& clock, std::function<void(const CheckpointEvent&)> tell)
      : sync_(sync),
        clock_(clock),
        tell_(std::move(tell)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        thread_([this] { follow(); }) {}
  ~SyncThread() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    const std::uint64_t one = 1;
    ENSURE(::write(wake_.get(), &one, sizeof one) == sizeof one, "an eventfd takes a number");
    thread_.join();
  }

 private:
  void follow() {
    while (!stopping_ && !sync_.fenced_off()) {
      for (const auto& event : sync_.step()) tell_(event);
      pollfd fds[] = {{wake_.get(), POLLIN, 0}, {sync_.watch_fd(), POLLIN, 0}};
      ::poll(fds, 2, poll_timeout(sync_.next_wakeup(), clock_.now()));
    }
  }

  CheckpointSync& sync_;
  Clock& clock_;
  std::function<void(const CheckpointEvent&)> tell_;
  Fd wake_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

class Agent {
 public:
  Agent(const AgentParts& parts, const Assignment& assignment, LogSpool& spool, int wake_fd)
      : parts_(parts),
        assignment_(assignment),
        spool_(spool),
        wake_fd_(wake_fd),
        reporter_(parts.reports, parts.orders, spool, wake_fd) {}

  int run() {
    watch_for_notices();
    reporter_.say(job::AgentStarted{assignment_.fence});
    const auto ending = attempt();
    if (!ending) return 0;  // abandoned
    log_info("attempt over: {} {}", job::to_string(ending->outcome), ending->reason);
    reporter_.say(job::AttemptEnded{assignment_.fence, ending->outcome, ending->reason});
    return reporter_.drain(notice_ ? std::max<Duration>(*notice_ - now(), seconds{1}) : kDeliverFor) ? 0 : 1;
  }

 private:
  Instant now() { return parts_.clock.now(); }

  // A line of ours in the job's log: attempts, restores and losses stand where they happened.
  void note(const std::string& text) {
    spool_.append(to_ms(now()), "[holdfast] " + text);
    reporter_.lines_added();
  }

  std::optional<Failure> attempt() {
    auto layout = lay_out(assignment_.spec, assignment_.directory / "ml");
    if (!layout) return blame(layout.error()).value();
    layout_ = std::move(*layout);
    auto prepared = prepare();
    if (!prepared) return prepared.error();
    if (reporter_.order() == Order::abandon) return std::nullopt;
    // Told to stop, or warned, before there was a program: nothing can be lost.
    if (reporter_.order() == Order::stop) return Failure{Outcome::stopped, ""};
    if (notice_) return Failure{Outcome::reclaimed, ""};

    auto program = start_program();
    if (!program) return program.error();
    reporter_.say(job::ProgramStarted{assignment_.fence, restored_});
    {
      std::optional<SyncThread> following;
      if (sync_) following.emplace(*sync_, parts_.clock, [this](const CheckpointEvent& event) { tell(event); });
      supervise(**program);
    }
    if (reporter_.order() == Order::abandon || (sync_ && sync_->fenced_off())) {
      (*program)->kill();
      return std::nullopt;
    }
    return finish(exit_);
  }

  // ---- before the program: input channels and checkpoint, side by side
  // -------------------------------------------------

  Phase<void> prepare() {
    auto work = std::async(std::launch::async, [this]() -> Phase<void> {
      std::vector<std::future<Result<ChannelContents>>> channels;
      for (const auto& channel : assignment_.spec.channels) {
        channels.push_back(std::async(std::launch::async, [this, &channel]() -> Result<ChannelContents> {
          const auto location = ports::parse_s3_uri(channel.s3_uri);
          if (!location) return fail(location.error());
          auto got = download_channel(parts_.objects, *location, layout_.data / channel.name);
          if (!got) return fail(got.error(), "downloading channel '{}'", channel.name);
          return got;
        }));
      }
      auto checkpoint = restore();
      Phase<void> result;
      for (auto& channel : channels) {
        if (auto got = channel.get(); !got && result) result = blame(got.error());
      }
      return checkpoint ? result : checkpoint;
    });
    const std::uint64_t one = 1;
    std::thread announce([&] {
      work.wait();
      if (::write(wake_fd_, &one, sizeof one) < 0) log_warn("waking the agent failed");
    });
    while (work.wait_for(Duration{0}) != std::future_status::ready) {
      wait_for_news({}, std::nullopt);
      // The downloads cannot be called back, but nobody waits for them either: this process is the instance.
      if (reporter_.order() != Order::go_on || notice_) break;
    }
    if (work.wait_for(Duration{0}) != std::future_status::ready) leave_at_once();
    announce.join();
    return work.get();
  }

  // A stop, a notice or another attempt while the input still comes in.
  [[noreturn]] void leave_at_once() {
    const auto order = reporter_.order();
    if (order != Order::abandon) {
      reporter_.say(
          job::AttemptEnded{assignment_.fence, order == Order::stop ? Outcome::stopped : Outcome::reclaimed, ""});
      reporter_.drain(order == Order::stop ? kDeliverFor : std::max<Duration>(*notice_ - now(), seconds{1}));
    }
    ::_exit(0);
  }

  Phase<void> restore() {
    const auto& checkpoint = assignment_.spec.checkpoint;
    if (!checkpoint) return {};
    const auto location = ports::parse_s3_uri(checkpoint->s3_uri);
    if (!location) return blame(location.error());
    auto restored = restore_checkpoint(parts_.objects, *location, *layout_.checkpoints, assignment_.spec.name,
                                       assignment_.fence, parts_.clock);
    if (!restored) {
      auto error = restored.error();
      error.message = "restoring the checkpoint: " + error.message;
      return blame(error);
    }
    for (const auto& bad : restored->quarantined) {
      note(fmt::format("checkpoint generation {}-{} is damaged and was put in quarantine: {}", bad.id.fence.value,
                       bad.id.sequence, bad.why));
    }
    if (restored->generation) {
      restored_ = as_job_generation(*restored->generation);
      note(fmt::format("attempt {} goes on from checkpoint generation {}-{}: {} files, {} bytes",
                       assignment_.fence.value, restored_->fence.value, restored_->sequence, restored->files,
                       restored->bytes));
    } else if (restored->plain) {
      note(fmt::format("attempt {} goes on from {} files found under {}", assignment_.fence.value, restored->files,
                       checkpoint->s3_uri));
    } else {
      note(fmt::format("attempt {} starts from the beginning: no checkpoint yet", assignment_.fence.value));
    }
    auto sync = CheckpointSync::open(
        parts_.objects, parts_.clock,
        [this] {
          const auto* program = program_.load();
          return program ? program->files_open_for_writing() : std::vector<std::pair<std::uint64_t, std::uint64_t>>{};
        },
        {}, std::move(restored->claim), *layout_.checkpoints);
    if (!sync) return blame(sync.error());
    sync_ = std::move(*sync);
    return {};
  }

  Phase<std::unique_ptr<ports::Program>> start_program() {
    const auto& spec = assignment_.spec;
    auto command = program_command(spec);
    if (!command) return blame(command.error());
    ports::ProgramSpec program;
    program.image = spec.image;
    program.command = std::move(*command);
    program.environment = program_environment(spec, assignment_.facts);
    program.mounts = layout_.mounts;
    program.hidden = assignment_.hidden;
    if (!spec.working_directory.empty()) program.working_directory = spec.working_directory;
    program.hostname = kHostName;
    program.network = !spec.network_isolation;
    program.devices = assignment_.devices;
    auto started = parts_.runtime.start(program);
    if (!started) return blame(started.error());
    return std::move(*started);
  }

  // ---- while the program runs
  // ------------------------------------------------------------------------------------------

  void supervise(ports::Program& program) {
    program_.store(&program);
    LineSplitter out, err;
    const auto keep = [this](const std::string& line) { spool_.append(to_ms(now()), line); };
    std::optional<Instant> kill_at;
    bool told = false;
    std::vector<pollfd> fds = {
        {program.exit_fd(), POLLIN, 0}, {program.stdout_fd(), POLLIN, 0}, {program.stderr_fd(), POLLIN, 0}};
    for (;;) {
      const auto ready = wait_for_news(fds, kill_at);
      bool more = false;
      for (std::size_t i : {1U, 2U}) {
        if (ready[i] != 0 && !read_lines(fds[i], i == 1 ? out : err, keep)) fds[i].fd = -1;
        more = more || (fds[i].fd >= 0 && ready[i] != 0);
      }
      reporter_.lines_added();
      if (reporter_.order() == Order::abandon || (sync_ && sync_->fenced_off())) return program.kill();
      // An interruption and a stop are told in the same way; only the time differs.
      if (notice_ && !told) {
        static_cast<void>(write_notice(layout_, *notice_, "spot interruption"));
        program.signal(SIGTERM);
        note(fmt::format("this instance is taken away at {}: the program was sent SIGTERM", to_iso8601(*notice_)));
        kill_at = *notice_ - kReclaimMargin;
        told = true;
      }
      if (reporter_.order() == Order::stop && !stop_told_) {
        stop_told_ = true;
        program.signal(SIGTERM);
        const Instant grace = now() + job::kStopGrace;
        kill_at = kill_at ? std::min(*kill_at, grace) : grace;
        note("the job is being stopped: the program was sent SIGTERM");
        told = true;
      }
      if (kill_at && now() >= *kill_at) {
        note("the program did not end in time and was killed");
        program.kill();
        kill_at.reset();
      }
      if (ready[0] == 0 || more) continue;
      break;
    }
    exit_ = program.collect();
    ended_at_ = now();
    for (std::size_t i : {1U, 2U}) {
      if (fds[i].fd >= 0) read_lines(fds[i], i == 1 ? out : err, keep);
    }
    out.finish(keep);
    err.finish(keep);
    reporter_.lines_added();
    program_.store(nullptr);
  }

  // Reads what is there, a bounded amount at a time. False: the end.
  template <class Keep>
  bool read_lines(const pollfd& fd, LineSplitter& splitter, const Keep& keep) {
    char block[kReadBlock];
    for (int round = 0; round < 16; ++round) {
      const ssize_t n = ::read(fd.fd, block, sizeof block);
      if (n > 0) {
        splitter.feed({block, static_cast<std::size_t>(n)}, keep);
      } else {
        return n < 0 && (errno == EAGAIN || errno == EINTR);
      }
    }
    return true;
  }

  void tell(const CheckpointEvent& event) {
    if (const auto* saved = std::get_if<CheckpointCommitted>(&event)) {
      reporter_.say(job::CheckpointSaved{assignment_.fence, as_job_generation(saved->id)});
    } else if (const auto* problem = std::get_if<CheckpointProblem>(&event)) {
      note("checkpoint: " + problem->what);
    } else {
      note("a newer attempt has taken over: this one ends");
      const std::uint64_t one = 1;
      if (::write(wake_fd_, &one, sizeof one) < 0) log_warn("waking the agent failed");
    }
  }

  // ---- after the program
  // -----------------------------------------------------------------------------------------------

  std::optional<Failure> finish(const ports::ProgramExit& exit) {
    const bool reclaimed = notice_.has_value() && !stop_told_;
    if (!reclaimed) reporter_.say(job::ProgramEnded{assignment_.fence});
    last_checkpoint(exit);
    if (reclaimed) return Failure{Outcome::reclaimed, ""};
    const bool stopped = stop_told_;
    const bool failed = !stopped && exit.code != 0;
    if (auto stored = store_artifacts(!failed); !stored) {
      return Failure{Outcome::failed, stored.error().message};
    }
    if (stopped) return Failure{Outcome::stopped, ""};
    if (!failed) return Failure{Outcome::succeeded, ""};
    std::string reason = read_failure(layout_);
    if (exit.out_of_memory) reason += reason.empty() ? "the program ran out of memory" : " (out of memory)";
    return Failure{Outcome::program_failed, fmt::format("{}, exit code: {}", reason, exit.code)};
  }

  void last_checkpoint(const ports::ProgramExit& exit) {
    if (!sync_) return;
    const Instant deadline = notice_ ? *notice_ - kReclaimMargin / 2 : now() + kDeliverFor;
    const auto flushed = sync_->flush(deadline, ProgramEnd{ended_at_, exit.signalled});
    for (const auto& event : flushed.events) tell(event);
    if (flushed.outcome != FlushOutcome::saved || notice_) {
      const char* how = flushed.outcome == FlushOutcome::saved     ? "saved"
                        : flushed.outcome == FlushOutcome::partial ? "partial"
                                                                   : "too late";
      note(fmt::format("last checkpoint: {}{}{}", how, flushed.why.empty() ? "" : ": ", flushed.why));
    }
  }

  Result<void> store_artifacts(bool model) {
    const auto output = ports::parse_s3_uri(assignment_.spec.output_path);
    if (!output) return fail(output.error());
    const auto scratch = assignment_.directory / "scratch";
    if (auto made = make_directories(scratch); !made) return made;
    return with_retries("uploading the results", [&]() -> Result<void> {
      const auto& name = assignment_.spec.name;
      if (model) {
        if (auto stored = store_model(parts_.objects, *output, name, layout_.model, scratch); !stored)
          return fail(stored.error());
      }
      if (auto stored = store_output_data(parts_.objects, *output, name, layout_.output_data, scratch); !stored)
        return fail(stored.error());
      return {};
    });
  }

  template <class F>
  Result<void> with_retries(std::string_view what, F attempt_once) {
    Duration wait = seconds{1};
    for (int tries = 1;; ++tries) {
      auto done = attempt_once();
      if (done || tries == kUploadAttempts) return done;
      const bool may_help = done.error().kind == Kind::try_again || done.error().kind == Kind::no_space;
      if (!may_help) return done;
      note(fmt::format("{}: {}; trying again", what, done.error().message));
      wait_for_news({}, now() + wait);
      wait *= 2;
    }
  }

  // ---- what may come at any moment
  // --------------------------------------------------------------------------------------

  void watch_for_notices() {
    notices_ = Fd{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    ::inotify_add_watch(notices_.get(), assignment_.directory.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE);
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    shutdown_ = Fd{::signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC)};
    look_for_notice();  // it may have come before us
  }

  void look_for_notice() {
    if (notice_) return;
    const auto text = read_file(assignment_.directory / "notice.json", kMaxNotice);
    if (!text) return;
    const auto json = nlohmann::json::parse(*text, nullptr, false);
    if (json.is_discarded() || !json.contains("deadline_ms") || !json["deadline_ms"].is_number_integer()) return;
    take_notice(from_ms(json["deadline_ms"].get<std::int64_t>()));
  }

  void take_notice(Instant deadline) {
    notice_ = deadline;
    reporter_.say(job::NoticeReceived{assignment_.fence, deadline});
  }

  // Waits for the given fds, an order, a notice, a shutdown, or until `until`; returns what is ready of `fds`.
  std::vector<short> wait_for_news(const std::vector<pollfd>& fds, std::optional<Instant> until) {
    std::vector<pollfd> all = fds;
    all.push_back({wake_fd_, POLLIN, 0});
    all.push_back({notices_.get(), POLLIN, 0});
    all.push_back({shutdown_.get(), POLLIN, 0});
    ::poll(all.data(), all.size(), poll_timeout(until, now()));
    const std::size_t n = fds.size();
    if (all[n].revents != 0) drain_eventfd(wake_fd_);
    if (all[n + 1].revents != 0) {
      char events[4096];
      while (::read(notices_.get(), events, sizeof events) > 0) {
      }
      look_for_notice();
    }
    if (all[n + 2].revents != 0) {
      signalfd_siginfo info;
      while (::read(shutdown_.get(), &info, sizeof info) > 0) {
      }
      if (!notice_) take_notice(now() + kShutdownNotice);
    }
    std::vector<short> ready;
    for (std::size_t i = 0; i < n; ++i) ready.push_back(all[i].fd >= 0 ? all[i].revents : short{0});
    return ready;
  }

  AgentParts parts_;
  const Assignment& assignment_;
  LogSpool& spool_;
  int wake_fd_;
  Reporter reporter_;
  Fd notices_, shutdown_;
  MlLayout layout_;
  std::optional<job::Generation> restored_;
  std::unique_ptr<CheckpointSync> sync_;
  std::atomic<ports::Program*> program_ = nullptr;
  std::optional<Instant> notice_;  // the deadline
  bool stop_told_ = false;
  ports::ProgramExit exit_;
  Instant ended_at_;
};

}  // namespace

int run_agent(const AgentParts& parts, const Assignment& assignment) {
  const Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  auto spool = LogSpool::open(assignment.directory / "log.spool", assignment.stream);
  if (!spool) {
    log_error("{}", spool.error().message);
    return 1;
  }
  Agent agent(parts, assignment, **spool, wake.get());
  const int status = agent.run();
  return status;
}

}  // namespace holdfast::agent
