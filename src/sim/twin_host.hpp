// A simulated instance: the real agent on a twin of its machine.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/agent.hpp"
#include "agent/host.hpp"
#include "sim/twin_link.hpp"
#include "sim/twin_objects.hpp"
#include "sim/twin_program.hpp"

namespace holdfast::sim {

struct InstanceParts {
  Scheduler& scheduler;
  Recorder& recorder;
  Network& network;
  ObjectShelf& shelf;
  Counters& counters;
  const Plan& plan;
  Dice& dice;
};

class TwinInstance final : public agent::Host {
 public:
  // `over`: called once, when the agent has ended by itself.
  TwinInstance(const InstanceParts& parts, Fence fence, job::JobSpec spec, const ProgramPlan& program,
               std::function<void()> over);
  ~TwinInstance() override;

  // ---- what happens to it
  void announce_end(Instant deadline);
  void destroy();
  void freeze() { agent_.freeze(); }
  void thaw() { agent_.thaw(); }
  void cut(bool cut) { *cut_ = cut; }
  void jump_clock(Duration by) { clock_.jump(by); }
  bool alive() const { return !agent_.dead(); }

  // ---- agent::Host
  agent::Tasks& tasks() override { return agent_; }
  Result<void> lay_out(const job::JobSpec& spec) override;
  Result<std::unique_ptr<agent::Folder>> channel_folder(const std::string& channel) override;
  // The kernel's pipes know no virtual time.
  Result<std::unique_ptr<agent::ChannelFeed>> feed_channel(ports::ObjectStore&, const std::string&,
                                                           agent::ChannelStream) override {
    return fail(Kind::permanent, "no job of the simulation has a channel in Pipe mode");
  }
  Result<std::unique_ptr<agent::Folder>> checkpoint_folder() override;
  Result<Fd> spool_file() override;
  Result<std::unique_ptr<agent::TrainingProgram>> start_program(const job::JobSpec& spec, LineSink line) override;
  Result<void> write_notice(Instant deadline, const std::string& reason) override;
  std::string failure_text() override { return "the program gave up"; }
  Result<std::vector<std::string>> store_results(ports::ObjectStore& objects, const job::JobSpec& spec,
                                                 bool with_model) override;
  void wait(std::optional<Duration> most) override;
  void wake() override { news_->ring(); }
  std::optional<Instant> notice() const override { return notice_; }
  [[noreturn]] void leave() override;

 private:
  void run_agent();
  void while_writing();
  Duration told_late();
  bool disk_is_full() { return parts_.dice.chance(parts_.plan.faults.instance_disk_full); }

  InstanceParts parts_;
  agent::Assignment assignment_;
  ProgramPlan program_plan_;
  std::function<void()> over_;
  SkewedClock clock_;
  Process agent_, program_process_;
  TwinObjects objects_;
  std::shared_ptr<bool> cut_ = std::make_shared<bool>(false);
  std::shared_ptr<Directory> checkpoints_;
  std::unique_ptr<agent::Signal> news_;
  std::optional<Instant> notice_;  // by this instance's clock
  TwinProgram* program_ = nullptr;
};

}  // namespace holdfast::sim
