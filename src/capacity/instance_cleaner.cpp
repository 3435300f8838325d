#include "capacity/instance_cleaner.hpp"

#include <system_error>
#include <vector>

#include "base/log.hpp"
#include "base/mounts.hpp"

namespace holdfast::capacity {

namespace fs = std::filesystem;

namespace {

// A program may have left directories that not even their owner may change.
void open_directories(const fs::path& root) {
  std::error_code error;
  fs::permissions(root, fs::perms::owner_all, fs::perm_options::add, error);
  fs::directory_iterator entry(root, error);
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    std::error_code ignored;
    if (entry->symlink_status(ignored).type() == fs::file_type::directory) open_directories(entry->path());
  }
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error == std::errc::permission_denied && fs::is_directory(fs::symlink_status(path))) {
    open_directories(path);
    fs::remove_all(path, error);
  }
  if (error) log_warn("removing {}: {}", path.string(), error.message());
}

}  // namespace

void clean_directory(const fs::path& directory, const std::set<std::string>& keep) {
  // Channels in FastFile mode, of an attempt that was killed in every part.
  detach_mounts_below(directory);
  if (keep.empty()) return remove_tree(directory);
  std::vector<fs::path> unwanted;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    if (!keep.contains(entry->path().filename().string())) unwanted.push_back(entry->path());
  }
  for (const auto& path : unwanted) remove_tree(path);
}

InstanceCleaner::InstanceCleaner() : thread_([this] { work(); }) {}

InstanceCleaner::~InstanceCleaner() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void InstanceCleaner::clean(fs::path directory, std::set<std::string> keep) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(directory), std::move(keep)});
  }
  changed_.notify_one();
}

void InstanceCleaner::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    clean_directory(job.directory, job.keep);
    lock.lock();
  }
}

}  // namespace holdfast::capacity
