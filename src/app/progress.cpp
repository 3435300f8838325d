#include "app/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>

#include "cli/terminal.hpp"

namespace holdfast::app {

namespace {
constexpr std::chrono::milliseconds kBetween{250};
constexpr const char* kClearLine = "\r\033[K";
}  // namespace

std::string readable_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1024; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

Progress::Progress(std::string what, std::uint64_t total, std::function<std::uint64_t()> done)
    : what_(std::move(what)), total_(total), done_(std::move(done)) {
  if (cli::is_terminal(STDERR_FILENO)) thread_ = std::thread([this] { follow(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ending_.notify_all();
  thread_.join();
  std::fputs(kClearLine, stderr);
}

void Progress::follow() {
  std::unique_lock lock(mutex_);
  while (!ending_.wait_for(lock, kBetween, [this] { return ended_; })) show();
}

void Progress::show() {
  const auto done = done_();
  const auto percent = total_ == 0 ? 100 : static_cast<double>(done) * 100 / static_cast<double>(total_);
  std::fputs(
      fmt::format("{}{}: {} of {} ({:.0f} %)", kClearLine, what_, readable_bytes(done), readable_bytes(total_), percent)
          .c_str(),
      stderr);
}

}  // namespace holdfast::app
