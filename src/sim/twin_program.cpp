#include "sim/twin_program.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <set>

#include "sim/content.hpp"

namespace holdfast::sim {
namespace {

constexpr Duration kStartUp = seconds{2};

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

}  // namespace

TwinProgram::TwinProgram(ProgramWorld world, agent::Host::LineSink sink)
    : world_(std::move(world)), sink_(std::move(sink)), woken_(world_.process.signal()) {
  world_.process.spawn([this] { run(); });
}

TwinProgram::~TwinProgram() {
  if (!exit_) end(ProgramOver::How::orphaned, {137, true, false});
}

void TwinProgram::run() {
  world_.process.pass(kStartUp);
  std::map<std::string, std::string> files;
  if (world_.checkpoints) {
    for (const auto& [path, inode] : world_.checkpoints->files()) files[path] = inode->bytes;
  }
  const Found found = look_at(files);
  world_.recorder.record({world_.scheduler.now(), ProgramBegan{world_.job, world_.fence, found}});
  std::uint64_t step = found.step.value_or(0);
  saved_ = step;
  say(fmt::format("starting at step {}", step));
  const auto& plan = world_.plan;
  while (step < plan.steps && !told()) {
    const Instant until = world_.scheduler.now() + plan.step_time;
    while (world_.scheduler.now() < until && !told()) woken_->wait(until - world_.scheduler.now());
    if (told()) break;
    ++step;
    if (plan.fails_at == step) return end(ProgramOver::How::failed, {1, false, false});
    if (plan.loud) say(fmt::format("step={} loss={}", step, 1.0 / static_cast<double>(step)));
    if (step % plan.save_every == 0 || step == plan.steps) save(step);
    if (exit_) return;
  }
  if (step < plan.steps) {
    world_.process.pass(plan.term_delay);
    if (plan.on_term == OnTerm::save_and_end && step > saved_) save(step);
    if (exit_) return;
    return end(ProgramOver::How::asked, {0, false, false});
  }
  end(ProgramOver::How::finished, {0, false, false});
}

void TwinProgram::signal(int signal_number) {
  if (signal_number != SIGTERM || exit_) return;
  term_ = true;
  if (world_.plan.on_term == OnTerm::die) return end(ProgramOver::How::asked, {143, true, false});
  woken_->ring();
}

// ---- checkpoints

void TwinProgram::save(std::uint64_t step) {
  if (!world_.checkpoints) return;
  switch (world_.plan.writing) {
    case Writing::in_place:
      write_files("", step, false);
      break;
    case Writing::renamed:
      write_files("", step, true);
      break;
    case Writing::delete_first:
      remove_files("");
      world_.process.pass(world_.plan.between_files);
      write_files("", step, false);
      break;
    case Writing::new_folder: {
      const auto older = folders();
      const auto folder = fmt::format("step-{}/", step);
      write_files(folder, step, false);
      if (exit_) return;
      for (const auto& old : older) {
        if (old != folder) remove_files(old);
      }
      break;
    }
  }
  if (exit_) return;
  saved_ = step;
  world_.recorder.record({world_.scheduler.now(), ProgramSaved{world_.job, world_.fence, step}});
  say(fmt::format("saved step {}", step));
}

void TwinProgram::write_files(const std::string& folder, std::uint64_t step, bool rename) {
  auto& disk = *world_.checkpoints;
  for (std::uint32_t i = 0; i < world_.plan.files; ++i) {
    const auto name = fmt::format("{}part-{}", folder, i);
    const auto beside = rename ? name + ".tmp" : name;
    const auto bytes = file_content({step, i, world_.plan.files});
    const auto inode = disk.create(beside);
    disk.write(*inode, std::string_view(bytes).substr(0, bytes.size() / 2));
    world_.process.pass(world_.plan.inside_files);
    world_.while_writing();
    if (exit_) return;
    disk.write(*inode, std::string_view(bytes).substr(bytes.size() / 2));
    disk.close(beside, *inode);
    if (rename) disk.rename(beside, name);
    if (i + 1 == world_.plan.files) break;
    if (world_.plan.hesitation && i + 2 == world_.plan.files) {
      // Nobody dies in it: what rests for so long is taken for a checkpoint, unless it is seen to go on.
      world_.process.pass(*world_.plan.hesitation);
      continue;
    }
    world_.process.pass(world_.plan.between_files);
    world_.while_writing();
    if (exit_) return;
  }
}

void TwinProgram::remove_files(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& [path, inode] : world_.checkpoints->files()) {
    if (folder_of(path) == folder) names.push_back(path);
  }
  for (const auto& name : names) world_.checkpoints->remove(name);
}

std::vector<std::string> TwinProgram::folders() const {
  std::set<std::string> found;
  for (const auto& [path, inode] : world_.checkpoints->files()) found.insert(folder_of(path));
  return {found.begin(), found.end()};
}

std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>> TwinProgram::files_open_for_writing() const {
  if (exit_) return std::nullopt;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> open;
  if (!world_.checkpoints) return open;
  for (const auto& [path, inode] : world_.checkpoints->files()) {
    if (inode->open_for_writing) open.emplace_back(inode->identity.device, inode->identity.inode);
  }
  return open;
}

// ---- its end

void TwinProgram::end(ProgramOver::How how, ports::ProgramExit exit) {
  if (exit_) return;
  exit_ = exit;
  world_.recorder.record({world_.scheduler.now(), ProgramOver{world_.job, world_.fence, how}});
  close_files();
  // Its own last step returns by itself.
  if (how != ProgramOver::How::finished && how != ProgramOver::How::failed &&
      !(how == ProgramOver::How::asked && world_.plan.on_term != OnTerm::die)) {
    world_.process.kill();
  }
  const Duration late = world_.told_late();
  told_at_ = world_.scheduler.now() + late;
  world_.news();
  if (late == Duration{0}) return;
  late_news_ = std::make_shared<std::function<void()>>(world_.news);
  world_.scheduler.after(late, [told = std::weak_ptr(late_news_)] {
    if (const auto news = told.lock()) (*news)();
  });
}

std::optional<ports::ProgramExit> TwinProgram::exit() {
  return lines_.empty() && world_.scheduler.now() >= told_at_ ? exit_ : std::nullopt;
}

// The kernel closes what a dead program had open.
void TwinProgram::close_files() {
  if (!world_.checkpoints) return;
  for (const auto& [path, inode] : std::map(world_.checkpoints->files())) {
    if (inode->open_for_writing) world_.checkpoints->close(path, *inode);
  }
}

void TwinProgram::say(std::string line) {
  lines_.push_back(std::move(line));
  world_.news();
}

void TwinProgram::hand_over_lines() {
  for (auto& line : std::exchange(lines_, {})) sink_(line);
}

}  // namespace holdfast::sim
