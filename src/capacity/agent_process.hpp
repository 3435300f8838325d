// A process that belongs to nobody: it is started so that it outlives us, and is known by more than its pid.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"

namespace holdfast::capacity {

// A pid is used again some day; with its start time (in clock ticks since boot) and the boot it is not.
struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;
  std::string boot_id;
};
std::string process_to_json(const ProcessIdentity& process);
Result<ProcessIdentity> process_from_json(std::string_view text);

constexpr const char* kProcessFile = "process.json";
constexpr const char* kAgentLog = "agent.log";

// Starts `argv` in a session of its own, working directory /, stdin from /dev/null, output appended to
// `directory`/agent.log, and none of our open files. The process itself writes `directory`/process.json before it
// becomes the program, and gives up if that exists already: so no agent ever runs that a later service cannot find,
// and none starts twice. Not our child: it leaves us no zombie.
Result<ProcessIdentity> start_detached(const std::vector<std::string>& argv, const std::filesystem::path& directory);

// A pidfd of exactly this process; Kind::not_found when it is gone.
Result<Fd> open_process(const ProcessIdentity& process);

// SIGKILL to it and to what is left of its process group.
void kill_process_group(int pidfd, pid_t pid);

}  // namespace holdfast::capacity
