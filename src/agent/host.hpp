// The instance as its agent sees it: files, the program, and news that may come at any moment. Everything that the
// agent does to the machine goes through here, so that the same agent runs on a simulated one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/channels.hpp"
#include "agent/commit_socket.hpp"
#include "agent/folder.hpp"
#include "agent/tasks.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "job/spec.hpp"
#include "ports/object_store.hpp"
#include "ports/runtime.hpp"

namespace holdfast::agent {

// The training program. Its lines are handed over inside Host::wait().
class TrainingProgram {
 public:
  virtual ~TrainingProgram() = default;
  // To the program alone; after its end: no effect.
  virtual void signal(int signal_number) = 0;
  // Ends every process that it started.
  virtual void kill() = 0;
  // Once it has ended and its last line was handed over.
  virtual std::optional<ports::ProgramExit> exit() = 0;
  // (device, inode) of what it holds open for writing now; none once it has ended, whether or not that was handed over
  // yet. From another task too.
  virtual std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>> files_open_for_writing() const = 0;
};

// A channel that is brought to the program while it runs, from before its start until this is destroyed.
class ChannelFeed {
 public:
  virtual ~ChannelFeed() = default;
  // Why it cannot go on. In Pipe mode its reader then waits in the middle of an epoch, and must not take that for the
  // end; in FastFile mode the files are gone, and with them the instance is no good any more.
  virtual std::optional<Error> trouble() const = 0;
  // The program is about to be killed: a read that it waits for must not keep it alive.
  virtual void let_go() {}
};

// How much of the instance is in use. Absent: cannot be told here.
struct Readings {
  struct Gpu {
    std::optional<double> busy_percent;
    std::optional<double> memory_percent;
  };
  ports::ProgramUse program;
  std::optional<std::uint64_t> machine_memory;  // bytes
  std::optional<double> disk_percent;           // of the disk that /opt/ml is on
  std::vector<Gpu> gpus;                        // those that the program was given
};

class Meter {
 public:
  virtual ~Meter() = default;
  // May take seconds: it asks drivers. On a task of its own.
  virtual Readings read() = 0;
};

class Host {
 public:
  using LineSink = std::function<void(const std::string& line)>;

  virtual ~Host() = default;
  virtual Tasks& tasks() = 0;
  // For work that gives way to the program, as long as there is no hurry.
  virtual Tasks& background_tasks() { return tasks(); }
  // From now on background tasks that start are tasks like all others.
  virtual void hurry() {}

  // ---- before the program. Kind::invalid and Kind::not_found are the user's mistakes.
  // /opt/ml, as SageMaker's contract has it. First of all.
  virtual Result<void> lay_out(const job::JobSpec& spec) = 0;
  virtual Result<std::unique_ptr<Folder>> channel_folder(const std::string& channel) = 0;
  // For a channel in Pipe mode. Wakes this host when there is trouble.
  virtual Result<std::unique_ptr<ChannelFeed>> feed_channel(ports::ObjectStore& objects, const std::string& channel,
                                                            ChannelStream stream) = 0;
  // For a channel in FastFile mode: its files, fetched when the program reads them. Lines about them go to `note`, from
  // any task. Wakes this host when there is trouble. Kind::invalid is the user's mistake; any other error says why
  // files can only be copied here, and what to do about it.
  virtual Result<std::unique_ptr<ChannelFeed>> show_channel(const std::string& /*channel*/,
                                                            const ChannelListing& /*listing*/, LineSink /*note*/) {
    return fail(Kind::permanent, "this instance cannot show files that it does not have");
  }
  virtual Result<std::unique_ptr<Folder>> checkpoint_folder() = 0;  // only for a job with checkpoints
  // An empty file for the lines on their way, see log_spool.hpp.
  virtual Result<Fd> spool_file() = 0;

  // What the program asks for commits at, or null where there is none. Before start_program(), which tells it where.
  virtual std::unique_ptr<CommitSocket> commit_socket(CommitRequests& /*requests*/, Clock& /*clock*/) {
    return nullptr;
  }

  // ---- the program
  virtual Result<std::unique_ptr<TrainingProgram>> start_program(const job::JobSpec& spec, LineSink line) = 0;
  // Of the program that runs, for as long as it does; null: nothing is measured here.
  virtual std::unique_ptr<Meter> meter() { return nullptr; }
  // Tells it, in a file, until when it can save.
  virtual Result<void> write_notice(Instant deadline, const std::string& reason) = 0;
  // What it wrote to output/failure; empty if nothing.
  virtual std::string failure_text() = 0;
  // The model (where wanted) and output.tar.gz to their places below the output path. What was left out, for the user.
  virtual Result<std::vector<std::string>> store_results(ports::ObjectStore& objects, const job::JobSpec& spec,
                                                         bool with_model) = 0;

  // ---- news
  // Until a line or the end of the program, a notice, wake() from another task, or for `most`. On the agent's own task.
  virtual void wait(std::optional<Duration> most) = 0;
  virtual void wake() = 0;
  // The deadline by the clock, once the end of this instance was announced.
  virtual std::optional<Instant> notice() const = 0;
  // Ends the agent where it stands, with everything that it has under way.
  [[noreturn]] virtual void leave() = 0;
};

}  // namespace holdfast::agent
