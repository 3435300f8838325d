#include "agent/agent.hpp"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "agent/checkpoint_restore.hpp"
#include "agent/commit_requests.hpp"
#include "agent/commit_socket.hpp"
#include "agent/following.hpp"
#include "agent/inputs.hpp"
#include "agent/paced_store.hpp"
#include "agent/reporter.hpp"
#include "agent/safety_watch.hpp"
#include "agent/sampling.hpp"
#include "base/ensure.hpp"
#include "base/log.hpp"
#include "job/decide.hpp"

namespace holdfast::agent {

namespace {

using job::Outcome;
using ports::Order;

// A program that may finish a save when its grace is over is looked at again after this long.
constexpr Duration kLookAgain = seconds{1};
// Of the time that a stop allows for uploads: kept for the model.
constexpr Duration kForResults = minutes{10};

// Why an attempt cannot go on, in the words of its outcome.
struct Failure {
  Outcome outcome;
  std::string reason;
};

Failure blame(const Error& error) {
  const bool users = error.kind == Kind::invalid || error.kind == Kind::not_found;
  return {users ? Outcome::bad_input : Outcome::failed, error.message};
}

class Agent {
 public:
  Agent(const AgentParts& parts, const Assignment& assignment, LogSpool& spool)
      : parts_(parts),
        host_(parts.host),
        assignment_(assignment),
        spool_(spool),
        paced_(parts.objects, parts.clock, host_.tasks(), assignment.spec.checkpoint_bandwidth),
        reporter_(host_.tasks(), parts.clock, parts.reports, parts.orders, spool, [this] { host_.wake(); }),
        inputs_(parts.objects, host_, assignment.spec.channels, [this](const std::string& line) { note(line); }) {}

  int run() {
    reporter_.say(job::AgentStarted{assignment_.fence});
    hear_notice();  // it may have come before us
    const auto ending = attempt();
    if (!ending) return 0;  // abandoned
    log_info("attempt over: {} {}", job::to_string(ending->outcome), ending->reason);
    // What SageMaker calls an internal error has no reason in Describe.
    if (ending->outcome == Outcome::failed) note("this attempt failed: " + ending->reason);
    reporter_.say(job::AttemptEnded{assignment_.fence, ending->outcome, ending->reason});
    return reporter_.drain(notice_ ? std::max<Duration>(*notice_ - ticks(), seconds{1}) : kDeliverFor) ? 0 : 1;
  }

 private:
  Instant now() { return parts_.clock.now(); }
  Instant ticks() { return parts_.clock.ticks(); }

  // A line of ours in the job's log: attempts, restores and losses stand where they happened.
  void note(const std::string& text) { keep_line("[holdfast] " + text); }
  void keep_line(const std::string& line) {
    spool_.append(to_ms(now()), line);
    reporter_.lines_added();
  }

  void take_line(const std::string& line) {
    if (parts_.scan) metrics_.note(parts_.scan(line));
    keep_line(line);
  }

  std::optional<Failure> attempt() {
    // A disk that is full for a moment must not cost a job its life.
    const auto laid_out = with_retries("preparing this instance", [this] { return host_.lay_out(assignment_.spec); });
    if (!laid_out) return blame(laid_out.error());
    const auto prepared = with_retries("preparing this instance", [this] { return prepare(); });
    if (!prepared) return blame(prepared.error());
    if (reporter_.order() == Order::abandon) return std::nullopt;
    // Told to stop, or warned, before there was a program: nothing can be lost.
    if (reporter_.order() == Order::stop) return Failure{Outcome::stopped, ""};
    if (notice_) return Failure{Outcome::reclaimed, ""};

    // Before the program, which is told where the socket is.
    CommitRequests requests([this] { folder_->wake(); });
    std::unique_ptr<CommitSocket> socket;
    if (sync_) socket = host_.commit_socket(requests, parts_.clock);
    const auto started = host_.start_program(assignment_.spec, [this](const std::string& line) { take_line(line); });
    if (!started) return blame(started.error());
    TrainingProgram& program = **started;
    reporter_.say(job::ProgramStarted{assignment_.fence, restored_});
    program_ = &program;
    // Out here, because a driver may keep a reading waiting, and the last checkpoint must not wait for that.
    std::optional<Sampling> sampling;
    if (auto meter = host_.meter()) {
      sampling.emplace(host_.tasks(), parts_.clock, std::move(meter),
                       [this](ports::InstanceSample sample) { reporter_.say(std::move(sample)); });
    }
    {
      std::optional<Following> following;
      if (sync_) {
        watch_.emplace(
            host_.tasks(), parts_.clock, paced_, assignment_.safety, [this](const std::string& line) { note(line); },
            [this](ports::InstanceSample sample) { reporter_.say(std::move(sample)); });
        following.emplace(host_.tasks(), Following::Parts{*folder_, *sync_, parts_.clock, requests, *watch_},
                          [this](const CheckpointEvent& event) { tell(event); });
      }
      supervise(program);
      if (watch_) watch_->stop();
    }
    requests.close();
    program_ = nullptr;
    if (sampling) sampling->stop();
    const auto exit = program.exit();
    // A program that lost its files may have failed before we heard why.
    if (!input_failure_ && exit && exit->code != 0) hear_of_input_trouble(true);
    inputs_.end();
    if (!exit || reporter_.order() == Order::abandon || (sync_ && sync_->fenced_off())) {
      program.kill();
      return std::nullopt;
    }
    return finish(*exit);
  }

  // ---- before the program: input channels and checkpoint, side by side
  // -------------------------------------------------

  // What is under way and what came of it: shared by the tasks that do it.
  struct Preparation {
    std::atomic<std::size_t> left;
    std::vector<Result<void>> channels;
    Result<void> checkpoint;
  };

  Result<void> prepare() {
    if (reporter_.order() != Order::go_on || notice_) return {};  // nothing to prepare for any more
    const auto channels = inputs_.count();
    inputs_.begin();
    Preparation work{channels + 1, std::vector<Result<void>>(channels), {}};
    std::vector<std::unique_ptr<Task>> tasks;
    const auto start = [&](auto part) {
      tasks.push_back(host_.tasks().start([this, &work, part] {
        part();
        work.left -= 1;
        host_.wake();
      }));
    };
    for (std::size_t i = 0; i < channels; ++i) {
      start([this, &work, i] { work.channels[i] = inputs_.bring(i); });
    }
    start([this, &work] { work.checkpoint = restore(); });
    while (work.left > 0) {
      wait_for_news(std::nullopt);
      // The downloads cannot be called back, but nobody waits for them either: this agent is the instance.
      if (reporter_.order() != Order::go_on || notice_) break;
    }
    if (work.left > 0) leave_at_once();
    tasks.clear();
    if (!work.checkpoint) return work.checkpoint;
    for (const auto& got : work.channels) {
      if (!got) return got;
    }
    return {};
  }

  // A stop, a notice or another attempt while the input still comes in.
  [[noreturn]] void leave_at_once() {
    const auto order = reporter_.order();
    if (order != Order::abandon) {
      reporter_.say(
          job::AttemptEnded{assignment_.fence, order == Order::stop ? Outcome::stopped : Outcome::reclaimed, ""});
      reporter_.drain(order == Order::stop ? kDeliverFor : std::max<Duration>(*notice_ - ticks(), seconds{1}));
    }
    host_.leave();
    ENSURE(false, "leave() does not return");
  }

  // Each step is done once, whatever has to be tried again after it: what a second restore chose might be another
  // generation, and the files of the first would lie beside it.
  Result<void> restore() {
    if (!assignment_.spec.checkpoint || sync_) return {};
    if (!claim_) {
      if (auto restored = bring_checkpoint(); !restored) return restored;
    }
    auto sync = CheckpointSync::open(
        paced_, parts_.clock, host_.background_tasks(),
        [this] {
          const TrainingProgram* program = program_.load();
          return program ? program->files_open_for_writing() : std::nullopt;
        },
        sync_options(), *claim_, *folder_);
    if (!sync) return fail(sync.error());
    sync_ = std::move(*sync);
    claim_.reset();  // it names every file, and nobody needs it any more
    return {};
  }

  Result<void> bring_checkpoint() {
    const auto& checkpoint = assignment_.spec.checkpoint;
    const auto location = ports::parse_s3_uri(checkpoint->s3_uri);
    if (!location) return fail(location.error());
    auto folder = host_.checkpoint_folder();
    if (!folder) return fail(folder.error());
    folder_ = std::move(*folder);
    auto restored = restore_checkpoint(parts_.objects, *location, *folder_, assignment_.spec.name, assignment_.fence,
                                       next_sequence_, parts_.clock, host_.tasks());
    if (!restored && restored.error().kind == Kind::no_space)
      return fail(restored.error(), "restoring the checkpoint: this instance's disk is too full for it");
    if (!restored) return fail(restored.error(), "restoring the checkpoint");
    for (const auto& bad : restored->quarantined) {
      note(fmt::format("checkpoint generation {}-{} is damaged and was put in quarantine: {}", bad.id.fence.value,
                       bad.id.sequence, bad.why));
    }
    if (restored->generation) {
      restored_ = restored->generation;
      note(fmt::format("attempt {} goes on from checkpoint generation {}-{}: {} files, {} bytes",
                       assignment_.fence.value, restored_->fence.value, restored_->sequence, restored->files,
                       restored->bytes));
    } else if (restored->plain) {
      note(fmt::format("attempt {} goes on from {} files found under {}", assignment_.fence.value, restored->files,
                       checkpoint->s3_uri));
    } else {
      note(fmt::format("attempt {} starts from the beginning: no checkpoint yet", assignment_.fence.value));
    }
    claim_ = std::move(restored->claim);
    return {};
  }

  CheckpointSyncOptions sync_options() const {
    auto options = assignment_.sync;
    // A container of SageMaker's expects them; a program of this machine's would only wonder what they are.
    options.markers = assignment_.spec.checkpoint_markers.value_or(assignment_.spec.image != job::kHostImage);
    options.metrics = [this] { return metrics_.now(); };
    return options;
  }

  // ---- while the program runs
  // ------------------------------------------------------------------------------------------

  void kill(TrainingProgram& program) {
    inputs_.let_go();
    program.kill();
  }

  void supervise(TrainingProgram& program) {
    std::optional<Instant> kill_at;
    std::optional<Instant> hold_until;  // a notice came, and a save under way goes first
    bool told = false;
    for (;;) {
      if (reporter_.order() == Order::abandon || (sync_ && sync_->fenced_off())) return kill(program);
      // An interruption and a stop are told in the same way; only the time differs.
      if (notice_ && !told && !hold_until) hold_until = ticks() + prepare_for_the_end();
      if (notice_ && !told && (ticks() >= *hold_until || watch_->safe())) {
        program.signal(SIGTERM);
        note(fmt::format("this instance is taken away at {}: the program was sent SIGTERM",
                         to_iso8601(*host_.notice())));
        kill_at = kill_at ? std::min(*kill_at, *notice_ - kReclaimMargin) : *notice_ - kReclaimMargin;
        told = true;
      }
      if (reporter_.order() == Order::stop && !stop_told_) {
        stop_told_ = true;
        stop_told_at_ = ticks();
        program.signal(SIGTERM);
        const Instant grace = ticks() + job::kStopGrace;
        kill_at = kill_at ? std::min(*kill_at, grace) : grace;
        if (notice_) kill_at = std::min(*kill_at, *notice_ - kReclaimMargin);
        note("the job is being stopped: the program was sent SIGTERM");
        told = true;
      }
      if (!input_failure_ && hear_of_input_trouble()) kill(program);
      if (kill_at && ticks() >= *kill_at && may_finish_its_save()) kill_at = ticks() + kLookAgain;
      if (kill_at && ticks() >= *kill_at) {
        note("the program did not end in time and was killed");
        kill(program);
        kill_at.reset();
      }
      if (program.exit()) break;
      wait_for_news(told || !hold_until ? kill_at : hold_until);
    }
    ended_at_ = ticks();
  }

  // The end of this instance is announced. Answers how long the program is not told yet: what is under way is safe
  // then.
  Duration prepare_for_the_end() {
    static_cast<void>(host_.write_notice(*host_.notice(), "spot interruption"));
    paced_.lift();
    host_.hurry();
    if (!watch_) return Duration{0};
    const auto plan = watch_->plan(*notice_ - kReclaimMargin - ticks());
    if (plan.what == checkpoint::AtNotice::finish_first) {
      note(fmt::format("this instance is taken away at {}: first the checkpoint under way, for {} at most",
                       to_iso8601(*host_.notice()), checkpoint::readable(plan.hold)));
    }
    return plan.hold;
  }

  // Its grace is over, and it is in the middle of a save: worth more than the moments that it takes. A reclaim waits
  // for nobody.
  bool may_finish_its_save() {
    if (notice_ || !stop_told_ || !watch_ || !watch_->saving()) return false;
    const auto allowance = checkpoint::save_allowance(watch_->save_takes());
    if (ticks() >= stop_told_at_ + job::kStopGrace + allowance) return false;
    if (!std::exchange(said_it_may_finish_, true)) {
      note(fmt::format("the program is still writing a checkpoint: it gets up to {} more",
                       checkpoint::readable(allowance)));
    }
    return true;
  }

  // A stream that breaks off must never look like one that ends, so the program cannot go on. What shows FastFile
  // channels is a part of this instance, as the agent is: without it the attempt ends as when an instance is lost, and
  // the job goes on elsewhere.
  bool hear_of_input_trouble(bool of_files_only = false) {
    const auto trouble = inputs_.trouble(of_files_only);
    if (!trouble) return false;
    files_lost_ = trouble->files;
    input_failure_ = trouble->files ? Failure{Outcome::stopped, trouble->error.message} : blame(trouble->error);
    if (!trouble->files)
      input_failure_->reason = fmt::format("streaming channel '{}': {}", trouble->channel, input_failure_->reason);
    note(input_failure_->reason + (trouble->files ? "; this attempt ends" : "; the program was killed"));
    return true;
  }

  void tell(const CheckpointEvent& event) {
    if (const auto* saved = std::get_if<CheckpointCommitted>(&event)) {
      reporter_.say(job::CheckpointSaved{assignment_.fence, saved->id, std::min(saved->wrote, job::kLongestSave)});
      host_.wake();  // a notice may wait for it
    } else if (const auto* problem = std::get_if<CheckpointProblem>(&event)) {
      note("checkpoint: " + problem->what);
    } else {
      note("a newer attempt has taken over: this one ends");
      host_.wake();
    }
  }

  // ---- after the program
  // -----------------------------------------------------------------------------------------------

  std::optional<Failure> finish(const ports::ProgramExit& exit) {
    const bool reclaimed = notice_.has_value() && !stop_told_;
    const bool lost = exit.code != 0 && files_lost_ && !stop_told_;
    if (!reclaimed && !lost) reporter_.say(job::ProgramEnded{assignment_.fence});
    last_checkpoint(exit);
    if (reclaimed) return Failure{Outcome::reclaimed, ""};
    if (lost) return input_failure_;
    const bool stopped = stop_told_;
    const bool failed = exit.code != 0 && (input_failure_ || !stopped);
    const auto stored = with_retries("uploading the results",
                                     [&] { return host_.store_results(parts_.objects, assignment_.spec, !failed); });
    if (!stored) return Failure{Outcome::failed, stored.error().message};
    for (const auto& left_out : *stored) note("not stored with the model: " + left_out);
    if (failed && input_failure_) return input_failure_;
    if (stopped) return Failure{Outcome::stopped, ""};
    if (!failed) return Failure{Outcome::succeeded, ""};
    std::string reason = host_.failure_text();
    if (exit.out_of_memory) reason += reason.empty() ? "the program ran out of memory" : " (out of memory)";
    return Failure{Outcome::program_failed, fmt::format("{}, exit code: {}", reason, exit.code)};
  }

  void last_checkpoint(const ports::ProgramExit& exit) {
    if (!sync_) return;
    // Nothing has to give way any more.
    paced_.lift();
    host_.hurry();
    // After a stop the service waits so long and no longer.
    const Duration stopping = job::kStopGrace + job::kStopUploadLimit - kForResults;
    const Instant deadline = notice_      ? *notice_ - kReclaimMargin / 2
                             : stop_told_ ? stop_told_at_ + stopping
                                          : ticks() + kDeliverFor;
    const auto flushed = sync_->flush(deadline, ProgramEnd{ended_at_, exit.signalled});
    for (const auto& event : flushed.events) tell(event);
    if (flushed.outcome != FlushOutcome::saved || notice_) {
      const char* how = flushed.outcome == FlushOutcome::saved     ? "saved"
                        : flushed.outcome == FlushOutcome::partial ? "partial"
                                                                   : "too late";
      const auto left = flushed.bytes_left_behind == 0
                            ? std::string()
                            : fmt::format("; {} are not safe", checkpoint::readable_bytes(flushed.bytes_left_behind));
      note(fmt::format("last checkpoint: {}{}{}{}", how, flushed.why.empty() ? "" : ": ", flushed.why, left));
    }
  }

  template <class F>
  auto with_retries(std::string_view what, F attempt_once) -> decltype(attempt_once()) {
    Duration wait = seconds{1};
    for (int tries = 1;; ++tries) {
      auto done = attempt_once();
      if (done || tries == kUploadAttempts) return done;
      const bool may_help = done.error().kind == Kind::try_again || done.error().kind == Kind::no_space;
      if (!may_help) return done;
      note(fmt::format("{}: {}; trying again", what, done.error().message));
      pause(ticks() + wait);
      wait *= 2;
    }
  }

  // ---- what may come at any moment
  // --------------------------------------------------------------------------------------

  void hear_notice() {
    if (notice_ || !host_.notice()) return;
    notice_ = ticks() + (*host_.notice() - now());
    reporter_.say(job::NoticeReceived{assignment_.fence, *host_.notice()});
  }

  void wait_for_news(std::optional<Instant> until) {
    std::optional<Duration> most;
    if (until) most = std::max(*until - ticks(), Duration{0});
    host_.wait(most);
    hear_notice();
  }
  // Cut short by an order or a notice.
  void pause(Instant until) {
    const auto order = reporter_.order();
    const bool warned = notice_.has_value();
    while (ticks() < until && reporter_.order() == order && notice_.has_value() == warned) wait_for_news(until);
  }

  AgentParts parts_;
  Host& host_;
  const Assignment& assignment_;
  LogSpool& spool_;
  PacedStore paced_;  // for checkpoints
  Reporter reporter_;
  LatestMetrics metrics_;
  std::uint64_t next_sequence_ = 1;  // for restore_checkpoint()
  std::optional<GenerationId> restored_;
  Inputs inputs_;
  std::optional<Failure> input_failure_;
  bool files_lost_ = false;               // then that is why
  std::unique_ptr<Folder> folder_;        // of the checkpoints
  std::optional<CheckpointClaim> claim_;  // from when what it goes on from is there until sync_ has it
  std::unique_ptr<CheckpointSync> sync_;
  std::optional<SafetyWatch> watch_;  // from the program's start
  std::atomic<const TrainingProgram*> program_ = nullptr;
  std::optional<Instant> notice_;  // the deadline, in ticks
  bool stop_told_ = false;
  Instant stop_told_at_;  // in ticks
  bool said_it_may_finish_ = false;
  Instant ended_at_;  // in ticks
};

}  // namespace

int run_agent(const AgentParts& parts, const Assignment& assignment) {
  auto file = parts.host.spool_file();
  if (!file) {
    log_error("{}", file.error().message);
    return 1;
  }
  LogSpool spool(std::move(*file), assignment.stream);
  Agent agent(parts, assignment, spool);
  return agent.run();
}

}  // namespace holdfast::agent
