#include "runtime/cgroup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <sstream>

namespace holdfast::runtime {
namespace {
namespace fs = std::filesystem;

constexpr std::size_t kMaxProcText = 1 << 20;
constexpr std::string_view kPrefix = "holdfast.";

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream{std::string{text}};
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool has_word(std::string_view text, std::string_view word, char separator) {
  return std::ranges::any_of(split(text, separator), [&](const std::string& part) { return part == word; });
}

struct CgroupMount {
  fs::path root;  // which part of the hierarchy is mounted there
  fs::path mountpoint;
};

// A line of mountinfo: id parent major:minor root mountpoint options... - type source super-options
std::optional<CgroupMount> find_mount(std::string_view mountinfo, std::string_view type, std::string_view controller) {
  for (const auto& line : split(mountinfo, '\n')) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto front = split(line.substr(0, dash), ' ');
    const auto back = split(line.substr(dash + 3), ' ');
    if (front.size() < 5 || back.size() < 3 || back[0] != type) continue;
    if (!controller.empty() && !has_word(back[2], controller, ',')) continue;
    return CgroupMount{front[3], front[4]};
  }
  return std::nullopt;
}

CgroupHierarchy hierarchy_at(int version, const CgroupMount& mount, const fs::path& group) {
  auto below = group.lexically_relative(mount.root);
  // A group outside of what is mounted (a container sees only its own part): its top is all that we can use.
  if (below.empty() || *below.begin() == ".." || below == ".") return {version, mount.mountpoint, mount.mountpoint};
  return {version, mount.mountpoint, mount.mountpoint / below};
}

Result<void> write_setting(const fs::path& file, std::uint64_t value) {
  const Fd fd{::open(file.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return fail_errno("opening " + file.string(), errno);
  return write_all(fd.get(), std::to_string(value), "writing " + file.string());
}

// Groups whose maker was killed before it could remove them. A group that still has processes refuses to go.
void sweep(const fs::path& parent) {
  std::error_code ignored;
  for (fs::directory_iterator entry{parent, ignored}, end; !ignored && entry != end; entry.increment(ignored)) {
    const auto name = entry->path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const auto maker = split(std::string_view{name}.substr(kPrefix.size()), '.');
    if (maker.empty() || ::access(("/proc/" + maker[0]).c_str(), F_OK) == 0) continue;
    ::rmdir(entry->path().c_str());
  }
}

// Version 2 allows limited children only where their controllers are switched on for children: the nearest such group.
Result<fs::path> parent_for_children(const CgroupHierarchy& hierarchy, const std::vector<std::string>& controllers) {
  if (hierarchy.version == 1) return hierarchy.own;
  for (auto group = hierarchy.own;; group = group.parent_path()) {
    const auto enabled = read_file(group / "cgroup.subtree_control", kMaxProcText);
    const auto has = [&](const std::string& controller) {
      auto words = *enabled;
      std::ranges::replace(words, '\n', ' ');
      return has_word(words, controller, ' ');
    };
    if (enabled && std::ranges::all_of(controllers, has)) return group;
    if (group == hierarchy.mountpoint || group == group.parent_path()) break;
  }
  return fail(Kind::permanent, "no control group above {} gives its children the controllers {}",
              hierarchy.own.string(), fmt::join(controllers, ", "));
}

}  // namespace

std::optional<CgroupHierarchy> find_hierarchy(std::string_view controller, std::string_view cgroup_text,
                                              std::string_view mountinfo_text) {
  fs::path unified;
  // A line of /proc/self/cgroup: id:controllers:group, with "0::group" for version 2.
  for (const auto& line : split(cgroup_text, '\n')) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) unified = group;
    if (!has_word(controllers, controller, ',')) continue;
    const auto mount = find_mount(mountinfo_text, "cgroup", controller);
    if (!mount) return std::nullopt;
    return hierarchy_at(1, *mount, group);
  }
  const auto mount = find_mount(mountinfo_text, "cgroup2", "");
  if (unified.empty() || !mount) return std::nullopt;
  return hierarchy_at(2, *mount, unified);
}

Cgroup Cgroup::create(const CgroupLimits& limits) {
  Cgroup group;
  const auto cgroups = read_file("/proc/self/cgroup", kMaxProcText);
  const auto mounts = read_file("/proc/self/mountinfo", kMaxProcText);
  const auto refused = [&](std::string_view limit, const std::string& why) {
    group.missing_ += fmt::format("{}{}: {}", group.missing_.empty() ? "" : "; ", limit, why);
  };
  if (!cgroups || !mounts) {
    refused("memory and pids", "no /proc/self/cgroup or /proc/self/mountinfo");
    return group;
  }

  const auto limit = [&](const std::vector<std::string>& controllers, auto settings_of) {
    const auto hierarchy = find_hierarchy(controllers[0], *cgroups, *mounts);
    if (!hierarchy) return refused(controllers[0], "no such control group hierarchy is mounted");
    const auto parent = parent_for_children(*hierarchy, controllers);
    if (!parent) return refused(controllers[0], parent.error().message);
    if (auto added = group.add(*parent, settings_of(hierarchy->version)); !added) {
      refused(controllers[0], added.error().message);
    }
  };
  const auto memory = [&](int version) {
    return Setting{version == 1 ? "memory.limit_in_bytes" : "memory.max", limits.memory_bytes.value_or(0)};
  };
  const auto pids = Setting{"pids.max", limits.pids};
  const auto pids_hierarchy = find_hierarchy("pids", *cgroups, *mounts);
  // Version 2 has one tree, so both limits must go into one group.
  const bool together = limits.memory_bytes && pids_hierarchy && pids_hierarchy->version == 2;
  if (together) {
    limit({"memory", "pids"}, [&](int version) { return std::vector{memory(version), pids}; });
  } else {
    if (limits.memory_bytes) limit({"memory"}, [&](int version) { return std::vector{memory(version)}; });
    limit({"pids"}, [&](int) { return std::vector{pids}; });
  }
  return group;
}

Result<void> Cgroup::add(const fs::path& parent, const std::vector<Setting>& settings) {
  sweep(parent);
  auto name = (parent / fmt::format("{}{}.XXXXXX", kPrefix, ::getpid())).string();
  if (::mkdtemp(name.data()) == nullptr) return fail_errno("creating a control group below " + parent.string(), errno);
  const fs::path directory = name;
  const auto give_up = [&](const Error& why) {
    ::rmdir(directory.c_str());
    return fail(why, "limiting a control group");
  };
  for (const auto& setting : settings) {
    if (auto written = write_setting(directory / setting.file, setting.value); !written)
      return give_up(written.error());
    if (setting.file == "memory.limit_in_bytes") memory_events_ = directory / "memory.oom_control";
    if (setting.file == "memory.max") memory_events_ = directory / "memory.events";
  }
  Fd entrance{::open((directory / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)};
  if (!entrance) return give_up(Error{Kind::permanent, "opening cgroup.procs of " + directory.string()});
  directories_.push_back(directory);
  entrances_.push_back(std::move(entrance));
  return {};
}

Cgroup::~Cgroup() {
  for (const auto& directory : directories_) ::rmdir(directory.c_str());
}

bool Cgroup::out_of_memory() const {
  if (memory_events_.empty()) return false;
  const auto text = read_file(memory_events_, kMaxProcText);
  if (!text) return false;
  for (const auto& line : split(*text, '\n')) {
    if (line.starts_with("oom_kill ")) return line != "oom_kill 0";
  }
  return false;
}

}  // namespace holdfast::runtime
