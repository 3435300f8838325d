// The processes of a sandbox, found through /proc by descent from its first process. Descent finds them all: what is
// orphaned in a process namespace becomes a child of its first process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "ports/runtime.hpp"

namespace holdfast::runtime {

// A handle on one process, which never means another one that got its number later; readable once it has ended. Empty
// when there is none.
Fd open_process(pid_t pid);
// No effect after the end.
void send_signal(const Fd& process, int signal_number);

// `root` and everything below it, as of about now.
std::vector<pid_t> with_descendants(pid_t root);
// The child of `reaper` that is process 2 of its namespace: the program itself, where bwrap is process 1.
std::optional<pid_t> find_payload(pid_t reaper);
// The kernel's number of its process namespace; none when the process is gone.
std::optional<std::uint64_t> pid_namespace_of(pid_t pid);
// (device, inode) of the executable; none when the process is gone.
std::optional<std::pair<std::uint64_t, std::uint64_t>> executable_of(pid_t pid);
// (device, inode) of every regular file that one of them holds open for writing.
std::vector<std::pair<std::uint64_t, std::uint64_t>> files_open_for_writing(const std::vector<pid_t>& pids);

// Of all of them together, and of the children that they have already waited for.
ports::ProgramUse use_of(const std::vector<pid_t>& pids);
// The same from the texts of one process's /proc/PID/stat and smaps_rollup or, where that cannot be read, statm.
ports::ProgramUse use_of_process(std::string_view stat, std::string_view smaps_rollup, std::string_view statm);

}  // namespace holdfast::runtime
