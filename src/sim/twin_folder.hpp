// A directory of a simulated instance: files in memory, with inodes and times as a kernel keeps them, and the
// notifications that inotify would give (or would not: plan.faults.deaf).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "agent/folder.hpp"
#include "sim/process.hpp"

namespace holdfast::sim {

struct Inode {
  std::string bytes;
  checkpoint::FileIdentity identity;
  std::uint32_t mode = 0644;
  bool open_for_writing = false;
};
using InodeRef = std::shared_ptr<Inode>;

// What all simulated instances' kernels count together, so that nothing in a run is like anything else.
class Counters {
 public:
  std::uint64_t next_inode() { return ++inodes_; }
  // Different for each change in a whole run, as a kernel's would be if its clock were fine enough.
  std::int64_t stamp(Instant now);

 private:
  std::uint64_t inodes_ = 0;
  std::int64_t last_stamp_ = 0;
};

// What lies on the instance's disk: shared by the program that writes it and the agent's view of it.
class Directory {
 public:
  Directory(Scheduler& scheduler, Counters& counters) : scheduler_(scheduler), counters_(counters) {}

  // ---- as a program sees it
  InodeRef create(const std::string& path);  // or opens it, emptied
  void write(Inode& inode, std::string_view bytes);
  void close(const std::string& path, Inode& inode);
  void rename(const std::string& from, const std::string& to);
  void remove(const std::string& path);
  const std::map<std::string, InodeRef>& files() const { return files_; }

  // ---- as an agent does
  void place(const std::string& path, const InodeRef& inode);
  InodeRef new_inode();
  void touch(Inode& inode, bool content);
  // Told of each change, and what an agent hears of it, if it hears more than that there was one.
  std::function<void(const std::string& path, std::optional<agent::FileNews> news)> noticed;

 private:
  void notice(const std::string& path, std::optional<agent::FileNews> news) const {
    if (noticed) noticed(path, news);
  }

  Scheduler& scheduler_;
  Counters& counters_;
  std::map<std::string, InodeRef> files_;
};

// The agent's view. `deaf`: hears of nothing. `full`: asked for each new file, whether the disk is.
class TwinFolder final : public agent::Folder {
 public:
  TwinFolder(std::shared_ptr<Directory> directory, Process& process, bool deaf, std::function<bool()> full);
  ~TwinFolder() override { directory_->noticed = nullptr; }

  Result<agent::FolderScan> scan() override;
  agent::FolderChanges changes() override { return std::exchange(changes_, {}); }
  void wait(Duration most) override;
  void wake() override { signal_->ring(); }
  Result<std::unique_ptr<agent::OpenFile>> open(const std::string& path) override;
  Result<std::unique_ptr<agent::NewFile>> create(const std::string& path) override;
  // No simulated program makes any.
  Result<void> make_link(const checkpoint::Link& link) override {
    return fail(Kind::permanent, "making the link {}: this disk has none", link.path);
  }
  void remove(const std::string& path) override { directory_->remove(path); }

 private:
  std::shared_ptr<Directory> directory_;
  Process& process_;
  std::function<bool()> full_;
  std::unique_ptr<agent::Signal> signal_;
  agent::FolderChanges changes_;
};

}  // namespace holdfast::sim
