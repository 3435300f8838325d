#include "objects/key_walk.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include "base/file.hpp"
#include "objects/key_path.hpp"
#include "objects/object_file.hpp"

namespace holdfast::objects {
namespace {

namespace fs = std::filesystem;

struct Entry {
  std::string key;  // of an object; of a folder what all keys in it begin with
  fs::path path;
  bool folder = false;
};

class Walk {
 public:
  Walk(const std::string& prefix, const std::string& start_after, std::size_t limit)
      : prefix_(prefix), start_after_(start_after), limit_(limit) {}

  // Recursion goes as deep as a key has parts: at most kMaxKeyBytes.
  Result<void> visit(const fs::path& folder, const std::string& key_so_far) {
    auto entries = read(folder, key_so_far);
    if (!entries) return fail(entries.error());
    for (const auto& entry : *entries) {
      if (found.size() >= limit_) return {};
      if (entry.folder) {
        if (auto visited = visit(entry.path, entry.key); !visited) return visited;
      } else if (const Fd file{::open(entry.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)}) {
        auto info = info_of(entry.key, file.get());
        if (!info) return fail(info.error());
        found.push_back(std::move(*info));
      } else if (errno != ENOENT && errno != ENOTDIR) {
        return fail_errno("reading " + entry.path.string(), errno);
      }
    }
    return {};
  }

  std::vector<ports::ObjectInfo> found;

 private:
  // A folder's keys all begin with its own, so the order of entries is the order of keys.
  Result<std::vector<Entry>> read(const fs::path& folder, const std::string& key_so_far) const {
    std::vector<Entry> entries;
    std::error_code error;
    for (fs::directory_iterator next(folder, error), end; !error && next != end; next.increment(error)) {
      std::error_code gone;
      const bool is_folder = next->is_directory(gone);
      const auto name = next->path().filename().string();
      const auto part = is_folder ? key_part_of_folder(name) : key_part_of_object(name);
      if (gone || !part) continue;
      Entry entry{key_so_far + *part, next->path(), is_folder};
      if (wanted(entry)) entries.push_back(std::move(entry));
    }
    if (error && error.value() != ENOENT) return fail_errno("reading " + folder.string(), error.value());
    std::ranges::sort(entries, {}, &Entry::key);
    return entries;
  }

  bool wanted(const Entry& entry) const {
    if (!entry.folder) return entry.key.starts_with(prefix_) && entry.key > start_after_;
    const bool leads_there = entry.key.starts_with(prefix_) || prefix_.starts_with(entry.key);
    return leads_there && (entry.key > start_after_ || start_after_.starts_with(entry.key));
  }

  const std::string& prefix_;
  const std::string& start_after_;
  std::size_t limit_;
};

}  // namespace

Result<std::vector<ports::ObjectInfo>> walk_keys(const fs::path& bucket, const std::string& prefix,
                                                 const std::string& start_after, std::size_t limit) {
  Walk walk(prefix, start_after, limit);
  if (auto visited = walk.visit(bucket, ""); !visited) return fail(visited.error());
  return std::move(walk.found);
}

}  // namespace holdfast::objects
