// A directory of the instance that the agent fills before the program starts, or follows while it runs. Paths are
// relative and safe (checkpoint/paths.hpp), and lead nowhere else, whatever links a program makes.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "checkpoint/transfer_plan.hpp"

namespace holdfast::agent {

// Lies in the checkpoint directory while a program asks for a commit; removed once that is safe.
constexpr const char* kCommitFile = ".holdfast-commit";

// The last thing heard of a file, a link or a folder under one name. That of a folder ends with '/'.
enum class FileNews {
  closed,      // after it was written; or made, a folder
  moved_here,  // whole in itself
  moved_away,
};

struct FolderChanges {
  bool any = false;
  bool lost = false;  // too many at once: everything may have changed
  std::map<std::string, FileNews> news;
};

struct FolderScan {
  std::vector<checkpoint::LocalFile> files;  // regular ones, by path, each once, without the excluded
  std::vector<checkpoint::Link> links = {};  // those that stay inside, by path
  std::vector<std::string> passed_over;      // "path: why", for the user
};

// A file that is read. It stays the same file, whatever its name comes to mean.
class OpenFile {
 public:
  virtual ~OpenFile() = default;
  // All of `into`, from `offset` on; from several threads at once. Kind::conflict: it ends before.
  virtual Result<void> read(std::uint64_t offset, std::span<char> into) = 0;
  // As it is now; nothing where that cannot be said.
  virtual std::optional<checkpoint::FileIdentity> identity() const = 0;
};

// A file that is written, and not seen until it is placed. Destroyed before that, nothing of it remains.
class NewFile {
 public:
  virtual ~NewFile() = default;
  // From several threads at once, each at a place of its own. What is never written reads as zeros.
  virtual Result<void> write(std::uint64_t offset, std::string_view bytes) = 0;
  // Gives it its name, over whatever has that name. `mtime_ns` 0: now.
  virtual Result<checkpoint::FileIdentity> place(std::int64_t mtime_ns, std::uint32_t mode) = 0;
};

// SageMaker's marker files, beside a file of a checkpoint: "<file>.sagemaker-uploading" and
// "<file>.sagemaker-uploaded".
enum class Marker { none, uploading, uploaded };

class Folder {
 public:
  virtual ~Folder() = default;
  // Kind::invalid: more than checkpoint::kMaxFiles files and links. What is new in it is followed from then on.
  virtual Result<FolderScan> scan() = 0;
  // What was noticed since the last call.
  virtual FolderChanges changes() = 0;
  // Until there are changes, wake() is called from another task, or `most` is over.
  virtual void wait(Duration most) = 0;
  virtual void wake() = 0;
  // Kind::not_found: no such file; Kind::invalid: a part of the path is a link, or a file that should be a folder.
  virtual Result<std::unique_ptr<OpenFile>> open(const std::string& path) = 0;
  // Makes the folders on the way. From several tasks at once.
  virtual Result<std::unique_ptr<NewFile>> create(const std::string& path) = 0;
  // Over whatever file or link has that path; makes the folders on the way.
  virtual Result<void> make_link(const checkpoint::Link& link) = 0;
  // The file or the link, and the folders that it leaves empty; best effort.
  virtual void remove(const std::string& path) = 0;
  // Leaves this marker beside the file and no other; makes no folder for it. Best effort.
  virtual void mark(const std::string& /*path*/, Marker /*marker*/) {}
  // On the disk that it lies on.
  virtual std::uint64_t free_bytes() const { return std::numeric_limits<std::uint64_t>::max(); }
  // The file in which a program asks for a commit, if it is there.
  virtual std::optional<checkpoint::FileIdentity> commit_file() { return std::nullopt; }
  // Unless the program made another one meanwhile.
  virtual void remove_commit_file(const checkpoint::FileIdentity& /*answered*/) {}
};

}  // namespace holdfast::agent
