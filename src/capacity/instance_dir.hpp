// The files of an instance's directory: what a later service needs to know about an instance of an earlier one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "capacity/agent_process.hpp"
#include "job/placement.hpp"
#include "ports/capacity_provider.hpp"

namespace holdfast::capacity {

constexpr const char* kAssignmentFile = "assignment.json";
constexpr const char* kInstanceFile = "instance.json";
constexpr const char* kNoticeFile = "notice.json";

struct InstanceRecord {
  Fence fence;
  JobName job;
  job::Placement placement;
  std::vector<std::string> gpus;
  // What its agent should know beforehand: how long before its end it is warned, and how long such instances last on
  // average. Nothing: it is not taken away; it is not known.
  std::optional<Duration> notice = {};
  std::optional<Duration> lifetime = {};
};

// "i-000000000000002a", also the InstanceId.
std::string instance_name(Fence fence);
std::optional<Fence> fence_of(std::string_view instance_name);

class InstanceDir {
 public:
  InstanceDir(const std::filesystem::path& instances, Fence fence) : path_(instances / instance_name(fence)) {}
  const std::filesystem::path& path() const { return path_; }

  // Makes the directory with assignment.json (first, mode 0600) and instance.json. What an unfinished launch of the
  // same fence left there is replaced.
  Result<void> create(const InstanceRecord& record, const std::string& assignment) const;
  Result<InstanceRecord> record() const;
  // Kind::not_found: no process was ever started here, and from now on none will be.
  Result<ProcessIdentity> process() const;

  Result<void> write_notice(Instant deadline) const;
  std::optional<Instant> notice() const;
  void remove_assignment() const;

 private:
  std::filesystem::path path_;
};

}  // namespace holdfast::capacity
