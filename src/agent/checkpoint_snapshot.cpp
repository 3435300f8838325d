// The part of CheckpointSync that judges: what is a whole checkpoint, and what the program has done since it was one.
#include <algorithm>

#include "agent/checkpoint_sync.hpp"
#include "checkpoint/known_writers.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::agent {
namespace {

constexpr std::size_t kMostHeld = 500;  // file descriptors; more files than that are stored before they are whole

constexpr std::uint64_t kMostCopied = 16u << 20;  // bytes of small files

// A file as it was once.
class CopiedFile final : public OpenFile {
 public:
  CopiedFile(checkpoint::FileIdentity identity, std::string bytes) : identity_(identity), bytes_(std::move(bytes)) {}
  Result<void> read(std::uint64_t offset, std::span<char> into) override {
    if (offset + into.size() > bytes_.size()) return fail(Kind::conflict, "the file is shorter");
    std::ranges::copy(std::string_view(bytes_).substr(static_cast<std::size_t>(offset), into.size()), into.begin());
    return {};
  }
  std::optional<checkpoint::FileIdentity> identity() const override { return identity_; }

 private:
  checkpoint::FileIdentity identity_;
  std::string bytes_;
};

// Null: it is no longer what was seen.
std::shared_ptr<OpenFile> open_as_seen(Folder& folder, const checkpoint::LocalFile& file, bool copied) {
  std::shared_ptr<OpenFile> opened;
  if (auto one = folder.open(file.path); one) opened = std::move(*one);
  if (!opened || opened->identity() != file.identity) return nullptr;
  if (!copied) return opened;
  std::string bytes(static_cast<std::size_t>(file.identity.size), '\0');
  if (!opened->read(0, bytes) || opened->identity() != file.identity) return nullptr;
  return std::make_shared<CopiedFile>(file.identity, std::move(bytes));
}

// A change of the inode alone, by chmod, ln or a rename, is none of the file.
bool same_content(const checkpoint::FileIdentity& a, const checkpoint::FileIdentity& b) {
  return a.device == b.device && a.inode == b.inode && a.size == b.size && a.mtime_ns == b.mtime_ns;
}

}  // namespace

bool CheckpointSync::is_whole(const View& seen) const {
  return !asked_ && !retry_at_ && !fenced_off_ && seen.differs &&
         checkpoint::is_quiet(seen.state, clock_.ticks(), options_.settle);
}

bool CheckpointSync::can_be_held(const std::vector<checkpoint::LocalFile>& files) const {
  std::uint64_t bytes = 0;
  for (const auto& file : files) bytes += file.identity.size;
  return files.size() <= kMostHeld && folder_.free_bytes() >= bytes;
}

// Those that a save writes. A log may do what it likes.
std::map<std::string, checkpoint::FileIdentity> CheckpointSync::files_of_a_save() const {
  std::map<std::string, checkpoint::FileIdentity> files;
  for (const auto& [path, tracked] : tracked_) {
    if (is_log(tracked.watch) || checkpoint::is_restless(tracked.watch, clock_.ticks(), options_.settle)) continue;
    files.emplace_hint(files.end(), path, tracked.file.identity);
  }
  return files;
}

CheckpointSync::Snapshot CheckpointSync::snapshot_of(const View& seen) const {
  Snapshot snapshot{.seen_at = clock_.ticks(),
                    .last_change = last_change_,
                    .removed_at = removed_at_,
                    .files = {},
                    .links = seen.links,
                    .seen = {},
                    .changed = {},
                    .visitors = {},
                    .news_lost = false,
                    .burst = seen.state.changed.size(),
                    .wrote = saves_.so_far(),
                    .metrics = options_.metrics ? options_.metrics() : std::map<std::string, double>{}};
  snapshot.files.reserve(seen.plan.stored.size() + seen.plan.upload.size());
  for (const auto* file : seen.plan.stored) snapshot.files.push_back(*file);
  return snapshot;
}

// The quiet must be that of a program that lives: one that was killed in the middle of a save is quiet for ever.
void CheckpointSync::hold_what_is_whole(Events& events) {
  if (const auto seen = view(false); !is_whole(seen) || !can_be_held(seen.plan.upload)) return;
  upload_logs(events);
  look(events, true);
  auto seen = view(false);
  if (program_gone_ || !is_whole(seen) || !can_be_held(seen.plan.upload)) return;
  auto snapshot = snapshot_of(seen);
  std::uint64_t copied = 0;
  for (const auto& file : seen.plan.upload) {
    const auto size = file.identity.size;
    const bool copy = size <= options_.copy_up_to && copied + size <= kMostCopied;
    if (copy) copied += size;
    auto opened = open_as_seen(folder_, file, copy);
    if (!opened) return;  // the next look sees what it is now
    snapshot.opened.push_back(std::move(opened));
  }
  snapshot.to_upload = std::move(seen.plan.upload);
  snapshot.seen = files_of_a_save();
  for (auto& path : seen.changed) {
    if (snapshot.seen.contains(path)) snapshot.changed.insert(std::move(path));
  }
  held_ = std::move(snapshot);
}

// Nobody looks while files are stored. What is written and removed again meanwhile leaves nothing but its news; in a
// folder of what was new it may have been the other half of that save.
void CheckpointSync::note_visitors(Snapshot& snapshot, const FolderChanges& changes) {
  snapshot.news_lost |= changes.lost;
  if (changes.news.empty()) return;
  std::set<std::string_view> folders;
  for (const auto& path : snapshot.changed) folders.insert(checkpoint::folder_of(path));
  const auto in_one_of_them = [&](std::string_view path) {
    // Of a folder, too: what lies in it.
    for (auto folder = checkpoint::folder_of(path);; folder = checkpoint::folder_of(folder)) {
      if (folders.contains(folder)) return true;
      if (folder.empty()) return false;
    }
  };
  for (const auto& [path, news] : changes.news) {
    if (news == FileNews::moved_away) {
      const std::string& gone = path;  // with what lies in it, if it is a folder
      std::erase_if(snapshot.visitors,
                    [&](const auto& one) { return one == gone || (gone.ends_with('/') && one.starts_with(gone)); });
    } else if (!snapshot.seen.contains(path) && in_one_of_them(path) && !checkpoint::is_excluded(path) &&
               checkpoint::is_log(path, 0) == checkpoint::Log::no) {
      snapshot.visitors.insert(path);
    }
  }
}

// As a file, a link or a folder with something in it.
bool CheckpointSync::is_there(const std::string& path) const {
  if (!path.ends_with('/')) return tracked_.contains(path) || links_.contains(path);
  const auto first = tracked_.lower_bound(path);
  return first != tracked_.end() && first->first.starts_with(path);
}

// Another save is known by its names: later steps than those of the last one; or the names of that one, all of them and
// no other, with other contents wherever that one's were new.
CheckpointSync::Since CheckpointSync::what_came_after(const Snapshot& snapshot) const {
  const auto now = files_of_a_save();
  checkpoint::NamesAfter after;
  for (const auto& [path, was] : snapshot.seen) {
    const auto is = now.find(path);
    if (is == now.end()) {
      after.gone.push_back(path);
    } else if (!same_content(was, is->second)) {
      if (!snapshot.changed.contains(path)) return Since::more;
      after.replaced.push_back(path);
    }
  }
  for (const auto& [path, is] : now) {
    if (!snapshot.seen.contains(path)) after.came.push_back(path);
  }
  for (const auto& path : snapshot.visitors) {
    if (!is_there(path)) after.came.push_back(path);
  }
  if (snapshot.news_lost && (!after.came.empty() || !after.gone.empty() || !after.replaced.empty())) return Since::more;
  if (checkpoint::is_of_later_steps(after, snapshot.changed)) return Since::next;
  if (!after.came.empty() || !after.gone.empty()) return Since::more;
  if (!after.replaced.empty()) return after.replaced.size() == snapshot.changed.size() ? Since::next : Since::more;
  const bool links_changed = std::ranges::any_of(links_, [&](const auto& one) {
    const auto& watch = one.second.watch;
    return watch.changed_at >= snapshot.seen_at && !checkpoint::is_restless(watch, clock_.ticks(), options_.settle);
  });
  return links_changed || removed_at_ != snapshot.removed_at ? Since::more : Since::nothing;
}

}  // namespace holdfast::agent
