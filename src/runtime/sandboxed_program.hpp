// A program in its bubblewrap sandbox, from the moment that bwrap was forked.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "ports/runtime.hpp"
#include "runtime/cgroup.hpp"

namespace holdfast::runtime {

// Our ends of the pipes, not blocking. `status` is what bwrap writes for --json-status-fd.
struct ProgramStreams {
  Fd output, error, status;
};

class SandboxedProgram final : public ports::Program {
 public:
  SandboxedProgram(pid_t monitor, Fd monitor_fd, ProgramStreams streams, Cgroup cgroup)
      : monitor_(monitor),
        monitor_fd_(std::move(monitor_fd)),
        stdout_(std::move(streams.output)),
        stderr_(std::move(streams.error)),
        status_(std::move(streams.status)),
        cgroup_(std::move(cgroup)) {}
  ~SandboxedProgram() override {
    kill();
    collect();
  }

  int stdout_fd() const override { return stdout_.get(); }
  int stderr_fd() const override { return stderr_.get(); }
  int exit_fd() const override { return monitor_fd_.get(); }
  void signal(int signal_number) override;
  void kill() override;
  ports::ProgramExit collect() override;
  std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>> files_open_for_writing() const override;
  ports::ProgramUse use() const override;

  // Waits until the program runs in place of bwrap's last process, or has ended. The error is why it never ran.
  Result<void> await_start(const ports::ProgramSpec& spec, const std::filesystem::path& bwrap);

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

}  // namespace holdfast::runtime
