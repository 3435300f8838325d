#include "sim/twin_folder.hpp"

#include <algorithm>

#include "base/ensure.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::sim {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000;  // in a millisecond

class TwinOpenFile final : public agent::OpenFile {
 public:
  TwinOpenFile(FileTable& table, InodeRef inode) : table_(table), inode_(std::move(inode)), fd_(table.add(inode_)) {}
  ~TwinOpenFile() override { table_.close(fd_); }
  int fd() const override { return fd_; }
  std::optional<checkpoint::FileIdentity> identity() const override { return inode_->identity; }

 private:
  FileTable& table_;
  InodeRef inode_;
  int fd_;
};

class TwinNewFile final : public agent::NewFile {
 public:
  TwinNewFile(std::shared_ptr<Directory> directory, std::string path)
      : directory_(std::move(directory)),
        path_(std::move(path)),
        inode_(directory_->new_inode()),
        fd_(directory_->table().add(inode_)) {}
  ~TwinNewFile() override { directory_->table().close(fd_); }
  int fd() const override { return fd_; }
  Result<checkpoint::FileIdentity> place(std::int64_t mtime_ns, std::uint32_t mode) override {
    inode_->mode = mode;
    if (mtime_ns != 0) inode_->identity.mtime_ns = mtime_ns;
    directory_->place(path_, inode_);
    return inode_->identity;
  }

 private:
  std::shared_ptr<Directory> directory_;
  std::string path_;
  InodeRef inode_;
  int fd_;
};

}  // namespace

int FileTable::add(InodeRef inode) {
  files_[next_] = std::move(inode);
  return next_++;
}
Inode& FileTable::at(int fd) {
  const auto found = files_.find(fd);
  ENSURE(found != files_.end(), "{} is no open file of the simulation", fd);
  return *found->second;
}
std::int64_t FileTable::stamp(Instant now) {
  last_stamp_ = std::max(last_stamp_ + 1, to_ms(now) * kNanoseconds);
  return last_stamp_;
}

// ---- the disk

InodeRef Directory::new_inode() {
  auto inode = std::make_shared<Inode>();
  inode->identity.device = 1;
  inode->identity.inode = table_.next_inode();
  touch(*inode, true);
  return inode;
}
void Directory::touch(Inode& inode, bool content) {
  const auto stamp = table_.stamp(scheduler_.now());
  inode.identity.ctime_ns = stamp;
  if (!content) return;
  inode.identity.mtime_ns = stamp;
  inode.identity.size = inode.bytes.size();
}
InodeRef Directory::create(const std::string& path) {
  auto& there = files_[path];
  if (!there) there = new_inode();
  there->bytes.clear();
  there->open_for_writing = true;
  touch(*there, true);
  notice(path, false);
  return there;
}
void Directory::write(Inode& inode, std::string_view bytes) {
  inode.bytes += bytes;
  touch(inode, true);
}
void Directory::close(const std::string& path, Inode& inode) {
  inode.open_for_writing = false;
  notice(path, false);
}
void Directory::rename(const std::string& from, const std::string& to) {
  const auto moved = files_.extract(from);
  ENSURE(!moved.empty(), "nothing is called {}", from);
  touch(*moved.mapped(), false);
  files_[to] = moved.mapped();
  notice(to, true);
}
void Directory::remove(const std::string& path) {
  if (files_.erase(path) > 0) notice("", false);
}
void Directory::place(const std::string& path, const InodeRef& inode) {
  inode->identity.size = inode->bytes.size();
  touch(*inode, false);
  files_[path] = inode;
  notice(path, true);
}

// ---- the agent's view

TwinFolder::TwinFolder(std::shared_ptr<Directory> directory, Process& process, bool deaf)
    : directory_(std::move(directory)), process_(process), signal_(process.signal()) {
  if (deaf) return;
  directory_->noticed = [this](const std::string& path, bool renamed) {
    changes_.any = true;
    if (!path.empty()) changes_.renamed[path] = renamed;
    signal_->ring();
  };
}

Result<agent::FolderScan> TwinFolder::scan() {
  process_.check();
  agent::FolderScan scan;
  for (const auto& [path, inode] : directory_->files()) {
    if (!checkpoint::is_excluded(path)) scan.files.push_back({path, inode->identity, inode->mode});
  }
  return scan;
}

void TwinFolder::wait(Duration most) { signal_->wait(most); }

Result<std::unique_ptr<agent::OpenFile>> TwinFolder::open(const std::string& path) {
  process_.check();
  const auto found = directory_->files().find(path);
  if (found == directory_->files().end()) return fail(Kind::not_found, "opening {}: no such file", path);
  return std::make_unique<TwinOpenFile>(directory_->table(), found->second);
}

Result<std::unique_ptr<agent::NewFile>> TwinFolder::create(const std::string& path) {
  process_.check();
  return std::make_unique<TwinNewFile>(directory_, path);
}

}  // namespace holdfast::sim
