// A Host on this machine: the instance's directory, a runtime's sandbox, inotify and signals for news.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/background.hpp"
#include "agent/host.hpp"
#include "agent/ml_layout.hpp"
#include "ports/runtime.hpp"

namespace holdfast::agent {

class FastFiles;

// SIGTERM to the agent is a machine that shuts down: what we give ourselves then.
constexpr Duration kShutdownNotice = seconds{25};

struct MachineFacts {
  std::filesystem::path directory;            // of this instance
  std::vector<std::filesystem::path> hidden;  // the service's own data: not for programs
  std::vector<std::string> devices;           // "/dev/nvidia0"
  InstanceFacts instance;
  // What shows FastFile channels, see fast_files.hpp; empty: they are copied.
  std::vector<std::string> fast_files_command = {};
};

// Make it on the process's main thread, with SIGTERM blocked in all threads.
class Machine final : public Host {
 public:
  Machine(MachineFacts facts, ports::Runtime& runtime, Clock& clock);
  ~Machine() override;

  Tasks& tasks() override { return tasks_; }
  Tasks& background_tasks() override { return background_; }
  void hurry() override { background_.hurry(); }
  Result<void> lay_out(const job::JobSpec& spec) override;
  Result<std::unique_ptr<Folder>> channel_folder(const std::string& channel) override;
  Result<std::unique_ptr<ChannelFeed>> feed_channel(ports::ObjectStore& objects, const std::string& channel,
                                                    ChannelStream stream) override;
  Result<std::unique_ptr<ChannelFeed>> show_channel(const std::string& channel, const ChannelListing& listing,
                                                    LineSink note) override;
  Result<std::unique_ptr<Folder>> checkpoint_folder() override;
  Result<Fd> spool_file() override;
  std::unique_ptr<CommitSocket> commit_socket(CommitRequests& requests, Clock& clock) override;
  Result<std::unique_ptr<TrainingProgram>> start_program(const job::JobSpec& spec, LineSink line) override;
  std::unique_ptr<Meter> meter() override;
  Result<void> write_notice(Instant deadline, const std::string& reason) override;
  std::string failure_text() override;
  Result<std::vector<std::string>> store_results(ports::ObjectStore& objects, const job::JobSpec& spec,
                                                 bool with_model) override;
  void wait(std::optional<Duration> most) override;
  void wake() override;
  std::optional<Instant> notice() const override { return notice_; }
  [[noreturn]] void leave() override;

 private:
  class Sandboxed;
  class MachineMeter;
  class ShownChannel;
  Result<std::shared_ptr<FastFiles>> fast_files(LineSink note);
  std::vector<ports::Mount> mounts();
  void watch_for_notices();
  void look_for_notice();

  MachineFacts facts_;
  ports::Runtime& runtime_;
  Clock& clock_;
  ThreadTasks tasks_;
  BackgroundTasks background_{tasks_, give_way};
  MlLayout layout_;
  bool has_commit_socket_ = false;
  Fd woken_, notices_, shutdown_;
  std::optional<Instant> notice_;
  Sandboxed* program_ = nullptr;  // while there is one
  std::mutex showing_;            // for what follows: channels are prepared side by side
  std::weak_ptr<FastFiles> fast_files_;
  std::map<std::string, std::filesystem::path> shown_;  // channels in FastFile mode, and where their files are
};

}  // namespace holdfast::agent
