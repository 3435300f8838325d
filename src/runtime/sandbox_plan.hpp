// What a program's sandbox looks like, as options for bwrap. Looks at the host's directories, changes nothing.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "ports/runtime.hpp"

namespace holdfast::runtime {

struct SandboxPlan {
  std::vector<std::string> options;  // for bwrap's --args; secrets of the environment are among them
  std::string hosts;                 // becomes /etc/hosts inside, read from `hosts_fd`
};

// `hosts_fd` is the descriptor number under which bwrap will find the text of /etc/hosts.
// Kind::invalid: the image, the working directory or a mount cannot be had; the message says which and why.
Result<SandboxPlan> plan_sandbox(const ports::ProgramSpec& spec, int hosts_fd);

}  // namespace holdfast::runtime
