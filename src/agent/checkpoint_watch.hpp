// Sees what a program does in a directory: inotify for speed, a scan for truth.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "checkpoint/transfer_plan.hpp"

namespace holdfast::agent {

struct WatchedChanges {
  bool any = false;
  bool lost = false;  // too many at once: everything may have changed
  // The last thing heard of a file that is whole in itself: true, renamed into place; false, closed after writing.
  std::map<std::string, bool> renamed;
};

struct DirectoryScan {
  std::vector<checkpoint::LocalFile> files;  // regular ones, by path, without the excluded
  std::vector<std::string> passed_over;      // "path: why", for the user
};

class DirectoryWatch {
 public:
  // Makes the directory where it is missing. Without inotify (fd() is -1) scans have to do.
  static Result<DirectoryWatch> open(const std::filesystem::path& directory);

  int fd() const { return inotify_.get(); }
  int directory() const { return directory_.get(); }
  WatchedChanges drain();
  // Follows new folders from now on. Kind::invalid: more than checkpoint::kMaxFiles files.
  Result<DirectoryScan> scan();

 private:
  DirectoryWatch(std::filesystem::path path, Fd directory, Fd inotify);
  Result<void> scan_folder(Fd folder, const std::string& path, int depth, DirectoryScan& scan);
  void add_file(int folder, const std::string& name, const std::string& path, DirectoryScan& scan);
  void watch_folder(const std::string& path);

  std::filesystem::path path_;
  Fd directory_;
  Fd inotify_;
  std::map<int, std::string> folders_;  // by watch descriptor; "" is the directory itself
};

}  // namespace holdfast::agent
