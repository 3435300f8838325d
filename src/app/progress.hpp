// A line on the terminal that tells how far something is. Where nobody looks, nothing is written.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace holdfast::app {

// "1.5 GiB", "812 KiB", "17 bytes".
std::string readable_bytes(std::uint64_t bytes);

class Progress {
 public:
  // `done` is asked from another thread until this is destroyed.
  Progress(std::string what, std::uint64_t total, std::function<std::uint64_t()> done);
  ~Progress();

 private:
  void show();
  void follow();

  std::string what_;
  std::uint64_t total_;
  std::function<std::uint64_t()> done_;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace holdfast::app
