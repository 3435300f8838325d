// A Folder on a real file system: inotify for speed, a scan for truth.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "agent/folder.hpp"
#include "base/file.hpp"

namespace holdfast::agent {

class DiskFolder final : public Folder {
 public:
  // Makes the directory where it is missing.
  static Result<std::unique_ptr<DiskFolder>> open(const std::filesystem::path& directory);

  Result<FolderScan> scan() override;
  FolderChanges changes() override;
  void wait(Duration most) override;
  void wake() override;
  Result<std::unique_ptr<OpenFile>> open(const std::string& path) override;
  Result<std::unique_ptr<NewFile>> create(const std::string& path) override;
  Result<void> make_link(const checkpoint::Link& link) override;
  void remove(const std::string& path) override;
  void mark(const std::string& path, Marker marker) override;
  std::uint64_t free_bytes() const override;
  std::optional<checkpoint::FileIdentity> commit_file() override;
  void remove_commit_file(const checkpoint::FileIdentity& answered) override;

 private:
  DiskFolder(std::filesystem::path path, Fd directory, Fd woken);
  void begin_to_watch();
  Result<void> scan_folder(Fd folder, const std::string& path, int depth, FolderScan& scan);
  static void add_file(int folder, const std::string& name, const std::string& path, FolderScan& scan);
  static void add_link(int folder, const std::string& name, const std::string& path, FolderScan& scan);
  void watch_folder(const std::string& path);

  std::filesystem::path path_;
  Fd directory_;
  Fd woken_;                            // an eventfd
  bool watching_ = false;               // from the first scan on
  Fd inotify_;                          // empty where there is none: then scans have to do
  std::map<int, std::string> folders_;  // by watch descriptor; "" is the directory itself
  std::atomic<std::uint64_t> next_part_ = 0;
};

}  // namespace holdfast::agent
