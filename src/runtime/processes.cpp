#include "runtime/processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36, which forgot that C++ exists
}

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace holdfast::runtime {
namespace {
constexpr std::size_t kMaxProcText = 1 << 16;
// Twice what the most mappings that the kernel lets a process have (vm.max_map_count, 65530) take.
constexpr std::size_t kMaxMaps = 1 << 24;

std::optional<long> number(std::string_view text, int base = 10) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  long value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (end.ec != std::errc{}) return std::nullopt;
  return value;
}

std::string proc_text(pid_t pid, std::string_view file) {
  return read_file(fmt::format("/proc/{}/{}", pid, file), kMaxProcText).value_or("");
}

// The value of a "Key:\tvalue" line, as /proc/PID/status and fdinfo have them.
std::string_view value_of(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    if (line.starts_with(key)) return line.substr(key.size());
    at = end + 1;
  }
  return {};
}

// Names of a directory of /proc that are numbers; the directory of a process that ends meanwhile is simply empty.
std::vector<long> numbered_entries(const std::string& directory) {
  std::vector<long> numbers;
  DIR* const open = ::opendir(directory.c_str());
  if (open == nullptr) return numbers;
  while (const dirent* entry = ::readdir(open)) {
    if (const auto value = number(entry->d_name)) numbers.push_back(*value);
  }
  ::closedir(open);
  return numbers;
}

std::optional<pid_t> parent_of(pid_t pid) {
  const auto stat = proc_text(pid, "stat");
  // "PID (name) state parent ...": the name may contain anything, so look behind its last parenthesis.
  const auto end = stat.rfind(')');
  if (end == std::string::npos || end + 4 > stat.size()) return std::nullopt;
  const auto parent = number(std::string_view{stat}.substr(end + 4));
  return parent ? std::optional{static_cast<pid_t>(*parent)} : std::nullopt;
}

std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> children;
  for (const long pid : numbered_entries("/proc")) {
    if (const auto parent = parent_of(static_cast<pid_t>(pid))) children.emplace(*parent, static_cast<pid_t>(pid));
  }
  return children;
}

}  // namespace

Fd open_process(pid_t pid) { return Fd{::pidfd_open(pid, 0)}; }

void send_signal(const Fd& process, int signal_number) {
  ::pidfd_send_signal(process.get(), signal_number, nullptr, 0);
}

std::vector<pid_t> with_descendants(pid_t root) {
  const auto children = children_by_parent();
  std::vector<pid_t> found{root};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [first, last] = children.equal_range(found[i]);
    for (auto child = first; child != last; ++child) found.push_back(child->second);
  }
  return found;
}

std::optional<pid_t> find_payload(pid_t reaper) {
  const auto children = children_by_parent();
  const auto [first, last] = children.equal_range(reaper);
  for (auto child = first; child != last; ++child) {
    const auto status = proc_text(child->second, "status");
    const auto ids = value_of(status, "NSpid:");  // one id per nested namespace, the innermost last
    const auto tab = ids.rfind('\t');
    if (tab != std::string_view::npos && number(ids.substr(tab)) == 2) return child->second;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> pid_namespace_of(pid_t pid) {
  struct stat info = {};
  if (::stat(fmt::format("/proc/{}/ns/pid", pid).c_str(), &info) != 0) return std::nullopt;
  return info.st_ino;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> executable_of(pid_t pid) {
  struct stat info = {};
  if (::stat(fmt::format("/proc/{}/exe", pid).c_str(), &info) != 0) return std::nullopt;
  return std::pair{info.st_dev, info.st_ino};
}

std::set<MappedFile> files_mapped_for_writing(std::string_view maps) {
  std::set<MappedFile> files;
  for (std::size_t at = 0; at < maps.size();) {
    const auto end = std::min(maps.find('\n', at), maps.size());
    const auto line = maps.substr(at, end - at);
    at = end + 1;
    // "BEGIN-END rw-s OFFSET MAJOR:MINOR INODE   PATH": nearly all of them are private, so that is looked at first.
    const auto access = line.find(' ');
    if (access == std::string_view::npos || access + 5 > line.size() || line[access + 2] != 'w' ||
        line[access + 4] != 's')
      continue;
    const auto device = line.find(' ', line.find(' ', access + 1) + 1);
    const auto colon = line.find(':', access);
    if (device == std::string_view::npos || colon == std::string_view::npos) continue;
    const auto inode_at = line.find(' ', colon);
    if (inode_at == std::string_view::npos) continue;
    const auto major = number(line.substr(device + 1), 16);
    const auto minor = number(line.substr(colon + 1), 16);
    const auto inode = number(line.substr(inode_at));
    if (!major || !minor || !inode || *inode == 0) continue;
    const auto path = line.find('/', inode_at);
    files.insert({::makedev(static_cast<unsigned>(*major), static_cast<unsigned>(*minor)),
                  static_cast<std::uint64_t>(*inode),
                  path == std::string_view::npos ? std::string() : std::string(line.substr(path))});
  }
  return files;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> files_open_for_writing(const std::vector<pid_t>& pids) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> files;
  for (const pid_t pid : pids) {
    for (const long fd : numbered_entries(fmt::format("/proc/{}/fd", pid))) {
      struct stat info = {};
      if (::stat(fmt::format("/proc/{}/fd/{}", pid, fd).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
      const auto fdinfo = proc_text(pid, fmt::format("fdinfo/{}", fd));
      const auto flags = number(value_of(fdinfo, "flags:"), 8);
      if (flags && (*flags & O_ACCMODE) != O_RDONLY) files.emplace(info.st_dev, info.st_ino);
    }
    const auto maps = read_file(fmt::format("/proc/{}/maps", pid), kMaxMaps).value_or("");
    for (const auto& mapped : files_mapped_for_writing(maps)) {
      files.emplace(mapped.device, mapped.inode);
      // On btrfs a file has another device than its file system, which is what a mapping tells.
      struct stat info = {};
      if (::stat(fmt::format("/proc/{}/root{}", pid, mapped.path).c_str(), &info) == 0 && info.st_ino == mapped.inode)
        files.emplace(info.st_dev, info.st_ino);
    }
  }
  return {files.begin(), files.end()};
}

ports::ProgramUse use_of_process(std::string_view stat, std::string_view smaps_rollup, std::string_view statm) {
  ports::ProgramUse use;
  // Fields 14 to 17: ticks of its own in user and kernel mode, and those of children that it waited for.
  const auto name_end = stat.rfind(')');
  auto words = name_end == std::string_view::npos ? std::string_view{} : stat.substr(name_end + 1);
  long ticks = 0;
  int counted = 0;
  for (int field = 3; field <= 17; ++field) {
    words.remove_prefix(std::min(words.find_first_not_of(' '), words.size()));
    const auto word = words.substr(0, words.find(' '));
    words.remove_prefix(word.size());
    const auto value = number(word);
    if (field < 14 || !value) continue;
    ticks += *value;
    ++counted;
  }
  if (counted == 4) use.processor_time = Duration{ticks * 1000 / ::sysconf(_SC_CLK_TCK)};
  // What is shared is divided among those who share it; the resident set counts it once for each.
  if (const auto kib = number(value_of(smaps_rollup, "Pss:"))) {
    use.memory_bytes = static_cast<std::uint64_t>(*kib) * 1024;
  } else if (const auto pages = number(statm.substr(std::min(statm.find(' '), statm.size())))) {
    use.memory_bytes = static_cast<std::uint64_t>(*pages) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  return use;
}

ports::ProgramUse use_of(const std::vector<pid_t>& pids) {
  ports::ProgramUse all;
  for (const pid_t pid : pids) {
    const auto one = use_of_process(proc_text(pid, "stat"), proc_text(pid, "smaps_rollup"), proc_text(pid, "statm"));
    if (one.processor_time) all.processor_time = all.processor_time.value_or(Duration{0}) + *one.processor_time;
    if (one.memory_bytes) all.memory_bytes = all.memory_bytes.value_or(0) + *one.memory_bytes;
  }
  return all;
}

}  // namespace holdfast::runtime
