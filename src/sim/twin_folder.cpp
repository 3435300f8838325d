#include "sim/twin_folder.hpp"

#include <algorithm>

#include "base/ensure.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::sim {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000;  // in a millisecond

class TwinOpenFile final : public agent::OpenFile {
 public:
  explicit TwinOpenFile(InodeRef inode) : inode_(std::move(inode)) {}
  Result<void> read(std::uint64_t offset, std::span<char> into) override {
    if (inode_->bytes.size() < offset + into.size()) return fail(Kind::conflict, "reading a file: it ends early");
    std::ranges::copy(inode_->bytes.substr(offset, into.size()), into.begin());
    return {};
  }
  std::optional<checkpoint::FileIdentity> identity() const override { return inode_->identity; }

 private:
  InodeRef inode_;
};

class TwinNewFile final : public agent::NewFile {
 public:
  TwinNewFile(std::shared_ptr<Directory> directory, std::string path)
      : directory_(std::move(directory)), path_(std::move(path)), inode_(directory_->new_inode()) {}
  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    inode_->bytes.resize(std::max<std::size_t>(inode_->bytes.size(), offset + bytes.size()));
    std::ranges::copy(bytes, inode_->bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    return {};
  }
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
};

}  // namespace

std::int64_t Counters::stamp(Instant now) {
  last_stamp_ = std::max(last_stamp_ + 1, to_ms(now) * kNanoseconds);
  return last_stamp_;
}

// ---- the disk

InodeRef Directory::new_inode() {
  auto inode = std::make_shared<Inode>();
  inode->identity.device = 1;
  inode->identity.inode = counters_.next_inode();
  touch(*inode, true);
  return inode;
}
void Directory::touch(Inode& inode, bool content) {
  const auto stamp = counters_.stamp(scheduler_.now());
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
  notice(path, std::nullopt);
  return there;
}
void Directory::write(Inode& inode, std::string_view bytes) {
  inode.bytes += bytes;
  touch(inode, true);
}
void Directory::close(const std::string& path, Inode& inode) {
  inode.open_for_writing = false;
  notice(path, agent::FileNews::closed);
}
void Directory::rename(const std::string& from, const std::string& to) {
  const auto moved = files_.extract(from);
  ENSURE(!moved.empty(), "nothing is called {}", from);
  touch(*moved.mapped(), false);
  files_[to] = moved.mapped();
  notice(from, agent::FileNews::moved_away);
  notice(to, agent::FileNews::moved_here);
}
void Directory::remove(const std::string& path) {
  if (files_.erase(path) > 0) notice(path, std::nullopt);
}
void Directory::place(const std::string& path, const InodeRef& inode) {
  inode->identity.size = inode->bytes.size();
  touch(*inode, false);
  files_[path] = inode;
  notice(path, agent::FileNews::moved_here);
}

// ---- the agent's view

TwinFolder::TwinFolder(std::shared_ptr<Directory> directory, Process& process, bool deaf, std::function<bool()> full)
    : directory_(std::move(directory)), process_(process), full_(std::move(full)), signal_(process.signal()) {
  if (deaf) return;
  directory_->noticed = [this](const std::string& path, std::optional<agent::FileNews> news) {
    changes_.any = true;
    if (news) changes_.news[path] = *news;
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
  return std::make_unique<TwinOpenFile>(found->second);
}

Result<std::unique_ptr<agent::NewFile>> TwinFolder::create(const std::string& path) {
  process_.check();
  if (full_()) return fail(Kind::no_space, "creating a file for {}: No space left on device", path);
  return std::make_unique<TwinNewFile>(directory_, path);
}

}  // namespace holdfast::sim
