#include "sim/twin_host.hpp"

#include <sys/mman.h>

#include <fmt/format.h>

#include <cerrno>

#include "base/ensure.hpp"

namespace holdfast::sim {

TwinInstance::TwinInstance(const InstanceParts& parts, Fence fence, job::JobSpec spec, const ProgramPlan& program,
                           std::function<void()> over)
    : parts_(parts),
      program_plan_(program),
      over_(std::move(over)),
      clock_(parts.scheduler),
      agent_(parts.scheduler),
      program_process_(parts.scheduler),
      objects_(parts.shelf, parts.plan.faults, parts.dice, &agent_, fence),
      news_(agent_.signal()) {
  assignment_.stream = spec.name.value + "/algo-1-1";
  assignment_.fence = fence;
  assignment_.spec = std::move(spec);
  assignment_.sync.scan_interval = parts.plan.scan_interval;
  assignment_.sync.pack_at_least = parts.plan.pack_at_least;
  if (!parts.plan.copies) assignment_.sync.copy_up_to = 0;
  // Nobody reads them here: seldom, so that an hour passes quickly.
  assignment_.safety.look_every = hours{1};
  assignment_.safety.sample_every = hours{1};
  agent_.spawn([this] { run_agent(); });
}

TwinInstance::~TwinInstance() { destroy(); }

void TwinInstance::run_agent() {
  TwinLink reports(parts_.network, agent_, assignment_.spec.name, assignment_.fence, cut_);
  TwinLink orders(parts_.network, agent_, assignment_.spec.name, assignment_.fence, cut_);
  agent::run_agent({clock_, objects_, *this, reports, orders}, assignment_);
  over_();
}

void TwinInstance::announce_end(Instant deadline) {
  if (notice_) return;
  notice_ = deadline + clock_.offset();
  news_->ring();
}

void TwinInstance::destroy() {
  if (program_) program_->vanish();
  program_process_.kill();
  agent_.kill();
}

// ---- files

Result<void> TwinInstance::lay_out(const job::JobSpec& spec) {
  agent_.check();
  if (spec.checkpoint) checkpoints_ = std::make_shared<Directory>(parts_.scheduler, parts_.counters);
  return {};
}

Result<std::unique_ptr<agent::Folder>> TwinInstance::channel_folder(const std::string&) {
  return std::make_unique<TwinFolder>(std::make_shared<Directory>(parts_.scheduler, parts_.counters), agent_, true,
                                      [this] { return disk_is_full(); });
}

Result<std::unique_ptr<agent::Folder>> TwinInstance::checkpoint_folder() {
  return std::make_unique<TwinFolder>(checkpoints_, agent_, parts_.plan.faults.deaf, [this] { return disk_is_full(); });
}

Result<Fd> TwinInstance::spool_file() {
  Fd fd{::memfd_create("log.spool", MFD_CLOEXEC)};
  if (!fd) return fail_errno("making a spool in memory", errno);
  return fd;
}

Result<std::vector<std::string>> TwinInstance::store_results(ports::ObjectStore& objects, const job::JobSpec& spec,
                                                             bool with_model) {
  const auto output = ports::parse_s3_uri(spec.output_path);
  if (!output) return fail(output.error());
  if (!with_model) return std::vector<std::string>{};
  const auto key = output->key + "/" + spec.name.value + "/output/model.tar.gz";
  if (auto put = objects.put_bytes(output->bucket, key, "a model"); !put) return fail(put.error());
  return std::vector<std::string>{};
}

// ---- the program

Result<std::unique_ptr<agent::TrainingProgram>> TwinInstance::start_program(const job::JobSpec& spec, LineSink line) {
  agent_.check();
  class Owned final : public agent::TrainingProgram {
   public:
    Owned(TwinInstance& instance, ProgramWorld world, LineSink sink)
        : instance_(instance), program_(std::move(world), std::move(sink)) {
      instance_.program_ = &program_;
    }
    ~Owned() override { instance_.program_ = nullptr; }
    void signal(int number) override { program_.signal(number); }
    void kill() override { program_.kill(); }
    std::optional<ports::ProgramExit> exit() override { return program_.exit(); }
    std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>> files_open_for_writing() const override {
      return program_.files_open_for_writing();
    }

   private:
    TwinInstance& instance_;
    TwinProgram program_;
  };
  if (checkpoints_) {
    parts_.recorder.record(
        {parts_.scheduler.now(), Restored{spec.name, assignment_.fence, parts_.shelf.based_on(assignment_.fence)}});
  }
  ProgramWorld world{parts_.scheduler,
                     parts_.recorder,
                     program_process_,
                     checkpoints_,
                     spec.name,
                     assignment_.fence,
                     program_plan_,
                     [this] { wake(); },
                     [this] { while_writing(); },
                     [this] { return told_late(); }};
  return std::make_unique<Owned>(*this, std::move(world), std::move(line));
}

Result<void> TwinInstance::write_notice(Instant, const std::string&) { return {}; }

// ---- news

void TwinInstance::wait(std::optional<Duration> most) {
  agent_.check();
  news_->wait(most);
  if (program_) program_->hand_over_lines();
}

// The worst moment for a clock to be set, and for a program to die.
void TwinInstance::while_writing() {
  const auto fault = [&](std::string what) {
    parts_.recorder.record({parts_.scheduler.now(), FaultInjected{std::move(what)}});
  };
  if (parts_.dice.chance(parts_.plan.faults.clock_set_while_writing)) {
    clock_.jump(parts_.dice.between(hours{-1}, hours{1}));
    fault(fmt::format("the clock of agent {} is set while its program saves", assignment_.fence.value));
  }
  if (parts_.dice.chance(parts_.plan.faults.killed_while_writing)) {
    fault(fmt::format("the program of agent {} is killed while it saves", assignment_.fence.value));
    program_->die();
  }
}

Duration TwinInstance::told_late() {
  const auto& faults = parts_.plan.faults;
  if (!parts_.dice.chance(faults.death_told_late)) return Duration{0};
  return parts_.dice.between(Duration{1}, faults.death_told_late_at_most);
}

void TwinInstance::leave() {
  over_();
  for (;;) agent_.park(std::nullopt);
}

}  // namespace holdfast::sim
