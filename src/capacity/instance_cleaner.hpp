// Removes what ended instances leave behind, on a thread of its own: a training may leave a great many files.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace holdfast::capacity {

class InstanceCleaner {
 public:
  InstanceCleaner();
  // Waits for the removal in hand; the rest is left to the next start.
  ~InstanceCleaner();
  InstanceCleaner(const InstanceCleaner&) = delete;
  InstanceCleaner& operator=(const InstanceCleaner&) = delete;

  // Removes everything in `directory` but the entries named in `keep`; with nothing to keep, the directory too.
  void clean(std::filesystem::path directory, std::set<std::string> keep = {});

 private:
  struct Job {
    std::filesystem::path directory;
    std::set<std::string> keep;
  };
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

// The same at once. Directories that their owner made read-only are opened first.
void clean_directory(const std::filesystem::path& directory, const std::set<std::string>& keep);

}  // namespace holdfast::capacity
