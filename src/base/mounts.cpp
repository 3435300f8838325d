#include "base/mounts.hpp"

#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.hpp"
#include "base/log.hpp"

namespace holdfast {
namespace {

constexpr std::size_t kMaxMountInfo = 64u << 20;

// "\040" for a space, and the like.
std::string unescaped(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && std::all_of(&text[i + 1], &text[i + 4], is_digit)) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// fusermount3 belongs to root and does it for the user who mounted.
bool ask_fusermount(std::string place) {
  char tool[] = "fusermount3", unmount[] = "-u", lazily[] = "-z", quiet[] = "-q", rest[] = "--";
  char* arguments[] = {tool, unmount, lazily, quiet, rest, place.data(), nullptr};
  pid_t pid = 0;
  if (::posix_spawnp(&pid, tool, nullptr, nullptr, arguments, ::environ) != 0) return false;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::vector<std::string> mounts_below(std::string_view mountinfo, const std::filesystem::path& directory) {
  auto above = directory.lexically_normal().string();
  if (!above.ends_with('/')) above += '/';
  std::vector<std::string> found;
  while (!mountinfo.empty()) {
    auto line = mountinfo.substr(0, mountinfo.find('\n'));
    mountinfo.remove_prefix(std::min(mountinfo.size(), line.size() + 1));
    // "36 35 98:0 /root /mount/point ...": the fifth word.
    for (int word = 1; word < 5; ++word) line.remove_prefix(std::min(line.size(), line.find(' ') + 1));
    const auto place = unescaped(line.substr(0, line.find(' ')));
    if (place.starts_with(above) && place.size() > above.size()) found.push_back(place);
  }
  std::ranges::reverse(found);
  return found;
}

void detach_mounts_below(const std::filesystem::path& directory) {
  const auto mountinfo = read_file("/proc/self/mountinfo", kMaxMountInfo);
  std::error_code error;
  // As the kernel names it.
  const auto real = std::filesystem::weakly_canonical(directory, error);
  if (!mountinfo || error) return;
  for (const auto& place : mounts_below(*mountinfo, real)) {
    if (::umount2(place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    const int why = errno;
    if (why == EPERM && ask_fusermount(place)) continue;
    log_warn("unmounting {}: {}", place, std::strerror(why));
  }
}

}  // namespace holdfast
