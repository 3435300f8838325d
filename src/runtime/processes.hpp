// The processes of a sandbox, found through /proc by descent from its first process. Descent finds them all: what is
// orphaned in a process namespace becomes a child of its first process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
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
// (device, inode) of every regular file that one of them holds open for writing, or has mapped so that what it writes
// into its memory is in the file: such a mapping outlives its descriptor, and shows in no time of the file.
std::vector<std::pair<std::uint64_t, std::uint64_t>> files_open_for_writing(const std::vector<pid_t>& pids);

struct MappedFile {
  std::uint64_t device = 0, inode = 0;
  std::string path = {};  // as its process names it
  auto operator<=>(const MappedFile&) const = default;
};
// Those that are mapped shared and writable, each once, from the text of a /proc/PID/maps.
std::set<MappedFile> files_mapped_for_writing(std::string_view maps);

// Of all of them together, and of the children that they have already waited for.
ports::ProgramUse use_of(const std::vector<pid_t>& pids);
// The same from the texts of one process's /proc/PID/stat and smaps_rollup or, where that cannot be read, statm.
ports::ProgramUse use_of_process(std::string_view stat, std::string_view smaps_rollup, std::string_view statm);

}  // namespace holdfast::runtime
