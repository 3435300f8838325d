// Runs a training program in a sandbox made by bubblewrap: the machine's own software (or a directory with a root file
// system) read-only, /opt/ml writable, its own processes, and no daemon. docs: what it isolates is what the options in
// sandbox_plan.cpp say; it keeps honest programs apart and is no wall against a hostile one of the same user.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>

#include "ports/runtime.hpp"

namespace holdfast::runtime {

class BubblewrapRuntime final : public ports::Runtime {
 public:
  explicit BubblewrapRuntime(std::filesystem::path bwrap = "/usr/bin/bwrap") : bwrap_(std::move(bwrap)) {}

  // Returns once the program itself runs (some 20 ms), so that a command that is not there is this call's error and a
  // signal sent afterwards reaches the program.
  // Call it from a thread that lives as long as the program: the sandbox is tied to its parent, so that no training
  // outlives its agent, and the kernel takes the *thread* that forked for the parent.
  Result<std::unique_ptr<ports::Program>> start(const ports::ProgramSpec& spec) override;

 private:
  std::filesystem::path bwrap_;
  std::atomic<bool> warned_about_limits_ = false;  // once is enough: it is the machine that forbids them, not the job
};

}  // namespace holdfast::runtime
