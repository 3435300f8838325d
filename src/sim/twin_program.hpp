// A training program of the simulated world: works step by step, saves checkpoints in one of the ways that real ones
// do, and obeys SIGTERM or does not.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "agent/host.hpp"
#include "sim/history.hpp"
#include "sim/plan.hpp"
#include "sim/process.hpp"
#include "sim/twin_folder.hpp"

namespace holdfast::sim {

struct ProgramWorld {
  Scheduler& scheduler;
  Recorder& recorder;
  Process& process;                        // the program's own
  std::shared_ptr<Directory> checkpoints;  // null: the job keeps none
  JobName job;
  Fence fence;
  ProgramPlan plan;
  std::function<void()> news;           // there are lines, or it has ended
  std::function<void()> while_writing;  // a moment in the middle of a save; the program may be dead afterwards
  std::function<Duration()> told_late;  // how long after its end the agent is told of it
};

class TwinProgram final : public agent::TrainingProgram {
 public:
  TwinProgram(ProgramWorld world, agent::Host::LineSink sink);
  ~TwinProgram() override;

  void signal(int signal_number) override;
  void kill() override { end(ProgramOver::How::killed, {137, true, false}); }
  std::optional<ports::ProgramExit> exit() override;
  std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>> files_open_for_writing() const override;

  // In Host::wait().
  void hand_over_lines();
  // By itself, as far as its agent can see: the kernel had no memory left.
  void die() { end(ProgramOver::How::failed, {137, true, false}); }
  // The instance goes away under it.
  void vanish() { end(ProgramOver::How::with_instance, {137, true, false}); }

 private:
  void run();
  bool told() const { return term_ && world_.plan.on_term != OnTerm::ignore; }
  void save(std::uint64_t step);
  void write_files(const std::string& folder, std::uint64_t step, bool rename);
  void remove_files(const std::string& folder);
  std::vector<std::string> folders() const;
  void say(std::string line);
  void end(ProgramOver::How how, ports::ProgramExit exit);
  void close_files();

  ProgramWorld world_;
  agent::Host::LineSink sink_;
  std::unique_ptr<agent::Signal> woken_;
  bool term_ = false;
  std::uint64_t saved_ = 0;
  std::deque<std::string> lines_;
  std::optional<ports::ProgramExit> exit_;
  Instant told_at_;  // of its end
  std::shared_ptr<std::function<void()>> late_news_;
};

}  // namespace holdfast::sim
