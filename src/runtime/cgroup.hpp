// Limits on memory and on the number of processes, by control groups, where this machine lets us make them. Ours lie
// below the group that we run in ourselves (version 1) or beside it (version 2, where a group with processes can have
// no limited children), so a program never gets out of a limit that holds for us.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"

namespace holdfast::runtime {

struct CgroupHierarchy {
  int version = 1;
  std::filesystem::path mountpoint;
  std::filesystem::path own;  // the directory of the group that we run in
};

// Where `controller` ("memory", "pids") is kept, from the texts of /proc/self/cgroup and /proc/self/mountinfo.
std::optional<CgroupHierarchy> find_hierarchy(std::string_view controller, std::string_view cgroup_text,
                                              std::string_view mountinfo_text);

struct CgroupLimits {
  std::optional<std::uint64_t> memory_bytes;
  std::uint64_t pids = 0;
};

class Cgroup {
 public:
  // Takes what it can get; missing() says what it could not.
  static Cgroup create(const CgroupLimits& limits);

  Cgroup(Cgroup&&) noexcept = default;
  Cgroup& operator=(Cgroup&&) = delete;
  // Every process in it must have ended; a group left behind by a killed agent is swept by a later create().
  ~Cgroup();

  // Limits that this machine does not let us set, and why; empty: all are in force.
  const std::string& missing() const { return missing_; }
  // Write "0" to each to move the calling process (between fork and exec nothing but a write is safe).
  const std::vector<Fd>& entrances() const { return entrances_; }
  const std::vector<std::filesystem::path>& directories() const { return directories_; }
  // A process in it was killed because the memory limit was reached.
  bool out_of_memory() const;

 private:
  struct Setting {
    std::string file;
    std::uint64_t value = 0;
  };
  Cgroup() = default;
  Result<void> add(const std::filesystem::path& parent, const std::vector<Setting>& settings);

  std::vector<std::filesystem::path> directories_;
  std::vector<Fd> entrances_;
  std::filesystem::path memory_events_;
  std::string missing_;
};

}  // namespace holdfast::runtime
