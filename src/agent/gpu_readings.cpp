#include "agent/gpu_readings.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/gpu_device.hpp"

namespace holdfast::agent {
namespace {

constexpr std::size_t kMaxAnswer = 64 * 1024;
constexpr int kMaxCollectPolls = 100;
constexpr int kCollectPollMs = 10;

std::optional<double> number(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(' '), text.size());
  text = text.substr(begin, text.find_last_not_of(" \r") + 1 - begin);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value < 0)
    return std::nullopt;
  return value;
}

std::string_view next_part(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), end + 1));
  return part;
}

// A driver that hangs holds its callers, and they cannot be killed then: nobody waits for such a one for ever.
void end_process(pid_t pid) {
  ::kill(pid, SIGKILL);
  for (int i = 0; i < kMaxCollectPolls && ::waitpid(pid, nullptr, WNOHANG) == 0; ++i)
    ::poll(nullptr, 0, kCollectPollMs);
}

// What it wrote by the end of its output, or until the time is over.
std::string output_of(int fd, Clock& clock) {
  std::string text;
  const Instant until = clock.ticks() + kGpuAnswerWithin;
  for (char block[4096]; text.size() < kMaxAnswer;) {
    pollfd waiting{fd, POLLIN, 0};
    const auto left = std::max(until - clock.ticks(), Duration{0});
    if (::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return {};
    const ssize_t n = ::read(fd, block, sizeof block);
    if (n <= 0) break;
    text.append(block, static_cast<std::size_t>(n));
  }
  return text;
}

}  // namespace

std::string gpu_numbers(const std::vector<std::string>& devices) {
  std::string numbers;
  for (const auto& device : devices) {
    if (const auto gpu = gpu_number(device)) numbers += (numbers.empty() ? "" : ",") + std::to_string(*gpu);
  }
  return numbers;
}

std::vector<Readings::Gpu> parse_gpus(std::string_view csv) {
  std::vector<Readings::Gpu> gpus;
  while (!csv.empty()) {
    auto line = next_part(csv, '\n');
    if (std::count(line.begin(), line.end(), ',') != 2) continue;
    Readings::Gpu gpu;
    gpu.busy_percent = number(next_part(line, ','));
    const auto used = number(next_part(line, ','));
    const auto whole = number(line);
    if (used && whole && *whole > 0) gpu.memory_percent = 100.0 * *used / *whole;
    gpus.push_back(gpu);
  }
  return gpus;
}

std::vector<Readings::Gpu> read_gpus(const std::vector<std::string>& devices, Clock& clock) {
  std::string numbers = "--id=" + gpu_numbers(devices);
  if (numbers == "--id=") return {};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  const Fd read_end{ends[0]};
  Fd write_end{ends[1]};
  char tool[] = "nvidia-smi";
  char query[] = "--query-gpu=utilization.gpu,memory.used,memory.total";
  char format[] = "--format=csv,noheader,nounits";
  char* arguments[] = {tool, query, format, numbers.data(), nullptr};
  char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char* environment[] = {path, nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, tool, &actions, nullptr, arguments, environment);
  ::posix_spawn_file_actions_destroy(&actions);
  write_end.reset();
  if (error != 0) return {};
  const auto text = output_of(read_end.get(), clock);
  end_process(pid);
  return parse_gpus(text);
}

}  // namespace holdfast::agent
