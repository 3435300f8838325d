// Everything that this program does to files below one directory, operation by operation, and a model of what is left
// of them when the power goes. The test program has the C library's functions of those names itself
// (recorded_calls.cpp) so that product code is recorded as it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::testing {

using NodeId = std::size_t;  // a file or directory, whatever its names; kRootNode is the recorded directory
constexpr NodeId kRootNode = 0;

struct FileOp {
  enum class Kind { create, make_directory, write, truncate, sync, rename, link, remove };
  Kind kind = Kind::write;
  NodeId node = 0;       // what is made, written, synced or linked
  NodeId folder = 0;     // where a name appears or goes away; of a rename, where the old one goes away
  std::string name;      // there
  NodeId to_folder = 0;  // of a rename
  std::string to_name;
  std::size_t offset = 0;  // truncate: the new length
  std::string bytes;
};
const char* to_string(FileOp::Kind kind);

// What may be left of everything that was not synced.
enum class Left {
  nothing,     // files as of their last fsync, names as of the last fsync of their directory
  everything,  // also what a crash of the process alone leaves
  names,       // all names, but contents as of the last fsync
  some,        // any of the changes, writes perhaps torn
};
const char* to_string(Left left);

// Paths below the recorded directory; a directory has no content.
using Tree = std::map<std::string, std::optional<std::string>>;

// A new name that reached the disk by a rename is never missing under both names: file systems with a journal keep the
// order. Nothing else is taken for granted; a synced file may well have no name.
class FileModel {
 public:
  FileModel();
  void apply(const FileOp& op);
  Tree after_power_loss(Left left, std::uint64_t seed) const;

 private:
  struct NameChange {
    std::string name;
    std::optional<NodeId> node;  // none: the name goes away
    std::size_t rename = 0;      // both changes of one rename have the same number
  };
  struct Node {
    bool is_directory = false;
    std::string synced;
    std::vector<FileOp> writes;
    std::map<std::string, NodeId> names;
    std::vector<NameChange> changes;
  };
  void sync(NodeId id);
  void change(NodeId folder, std::string name, std::optional<NodeId> node, std::size_t rename = 0);

  std::map<NodeId, Node> nodes_;
  std::size_t renames_ = 0;
};

void write_tree(const Tree& tree, const std::filesystem::path& directory);

// Records while it lives. One at a time, and of one thread.
class FileRecorder {
 public:
  explicit FileRecorder(const std::filesystem::path& directory);
  ~FileRecorder();
  FileRecorder(const FileRecorder&) = delete;
  FileRecorder& operator=(const FileRecorder&) = delete;

  std::vector<FileOp> ops;
  // The process dies at this operation: neither it nor any later one is done, all of them fail. Null: never.
  std::optional<std::size_t> die_at;
  // At this operation the disk fails so many times, and then works again.
  std::size_t fail_at = 0;
  std::size_t failures = 0;

  // ---- for recorded_calls.cpp
  static FileRecorder* active();
  bool is_dead() const { return die_at && ops.size() >= *die_at; }
  bool fails_now() { return is_dead() || (ops.size() == fail_at && failures > 0 && failures-- > 0); }
  bool is_below(const std::string& path) const;
  std::optional<NodeId> node_of(int fd) const;
  std::optional<NodeId> node_at(const std::string& path) const;
  NodeId remember(const std::string& path);
  // Folder and name of a path below the directory.
  std::optional<std::pair<NodeId, std::string>> place_of(const std::string& path) const;

 private:
  std::string directory_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, NodeId> nodes_;  // by device and inode
  NodeId next_node_ = kRootNode + 1;
};

}  // namespace holdfast::testing
