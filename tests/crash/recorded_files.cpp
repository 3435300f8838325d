#include "crash/recorded_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/ensure.hpp"
#include "base/random.hpp"

namespace holdfast::testing {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kSector = 512;
FileRecorder* active_recorder = nullptr;

void write_at(std::string& content, std::size_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  content.replace(offset, bytes.size(), bytes);
}

void perform(std::string& content, const FileOp& op) {
  if (op.kind == FileOp::Kind::write) write_at(content, op.offset, op.bytes);
  if (op.kind == FileOp::Kind::truncate) content.resize(op.offset, '\0');
}

void perform_torn(std::string& content, const FileOp& op, SeededRandom& random) {
  if (op.kind != FileOp::Kind::write) return;
  const auto end = op.offset + op.bytes.size();
  for (auto from = op.offset; from < end;) {
    const auto to = std::min(end, (from / kSector + 1) * kSector);
    if (random.next() % 2 == 0) write_at(content, from, std::string_view(op.bytes).substr(from - op.offset, to - from));
    from = to;
  }
}

}  // namespace

const char* to_string(FileOp::Kind kind) {
  constexpr const char* kNames[] = {"create", "mkdir", "write", "truncate", "fsync", "rename", "link", "remove"};
  return kNames[static_cast<std::size_t>(kind)];
}

const char* to_string(Left left) {
  constexpr const char* kNames[] = {"nothing unsynced", "everything", "names without contents", "some"};
  return kNames[static_cast<std::size_t>(left)];
}

// ---- the model

FileModel::FileModel() { nodes_[kRootNode].is_directory = true; }

void FileModel::change(NodeId folder, std::string name, std::optional<NodeId> node, std::size_t rename) {
  nodes_[folder].changes.push_back({std::move(name), node, rename});
}

void FileModel::apply(const FileOp& op) {
  switch (op.kind) {
    case FileOp::Kind::create:
    case FileOp::Kind::make_directory:
      nodes_[op.node] = {};
      nodes_[op.node].is_directory = op.kind == FileOp::Kind::make_directory;
      return change(op.folder, op.name, op.node);
    case FileOp::Kind::write:
    case FileOp::Kind::truncate:
      nodes_[op.node].writes.push_back(op);
      return;
    case FileOp::Kind::sync:
      return sync(op.node);
    case FileOp::Kind::rename:
      change(op.to_folder, op.to_name, op.node, ++renames_);
      return change(op.folder, op.name, std::nullopt, renames_);
    case FileOp::Kind::link:
      return change(op.folder, op.name, op.node);
    case FileOp::Kind::remove:
      return change(op.folder, op.name, std::nullopt);
  }
}

void FileModel::sync(NodeId id) {
  auto& node = nodes_[id];
  for (const auto& write : node.writes) perform(node.synced, write);
  node.writes.clear();
  std::set<std::size_t> renames;
  const auto settle = [](Node& folder, const NameChange& change) {
    if (change.node) {
      folder.names[change.name] = *change.node;
    } else {
      folder.names.erase(change.name);
    }
  };
  for (const auto& change : node.changes) {
    settle(node, change);
    if (!change.node && change.rename != 0) renames.insert(change.rename);
  }
  node.changes.clear();
  // An old name is gone for good only together with the new one being there.
  for (auto& [other_id, other] : nodes_) {
    std::erase_if(other.changes, [&, &folder = other](const NameChange& change) {
      const bool now = change.rename != 0 && renames.contains(change.rename);
      if (now) settle(folder, change);
      return now;
    });
  }
}

Tree FileModel::after_power_loss(Left left, std::uint64_t seed) const {
  SeededRandom random(seed);
  std::map<std::size_t, bool> renamed;  // what became of each rename that was not synced
  const auto comes_through = [&](const NameChange& change) {
    if (left != Left::some) return left != Left::nothing;
    if (change.rename == 0) return random.next() % 2 == 0;
    const auto known = renamed.find(change.rename);
    if (known != renamed.end()) return known->second;
    return renamed[change.rename] = random.next() % 2 == 0;
  };
  const auto content_of = [&](const Node& node) {
    auto content = node.synced;
    for (const auto& write : node.writes) {
      const auto fate = left == Left::some ? random.next() % 3 : left == Left::everything ? 0 : 2;
      if (fate == 0) perform(content, write);
      if (fate == 1) perform_torn(content, write, random);
    }
    return content;
  };
  // Decided for all folders first, so that both ends of a rename agree.
  std::map<NodeId, std::map<std::string, NodeId>> names;
  for (const auto& [id, node] : nodes_) {
    auto& folder = names[id] = node.names;
    for (const auto& change : node.changes) {
      if (!comes_through(change)) continue;
      folder.erase(change.name);
      if (change.node) folder[change.name] = *change.node;
    }
  }
  Tree tree;
  const auto walk = [&](const auto& self, NodeId id, const std::string& path) -> void {
    for (const auto& [name, child] : names[id]) {
      const auto below = path.empty() ? name : path + "/" + name;
      if (nodes_.at(child).is_directory) {
        tree[below] = std::nullopt;
        self(self, child, below);
      } else {
        tree[below] = content_of(nodes_.at(child));
      }
    }
  };
  walk(walk, kRootNode, "");
  return tree;
}

void write_tree(const Tree& tree, const fs::path& directory) {
  fs::create_directories(directory);
  for (const auto& [path, content] : tree) {
    if (!content) {
      fs::create_directory(directory / path);
    } else {
      std::ofstream(directory / path, std::ios::binary) << *content;
    }
  }
}

// ---- the recorder

FileRecorder::FileRecorder(const fs::path& directory) : directory_(directory.string()) {
  ENSURE(active_recorder == nullptr, "one recorder at a time");
  struct stat status {};
  ENSURE(::stat(directory_.c_str(), &status) == 0, "{} is not there", directory_);
  nodes_[{status.st_dev, status.st_ino}] = kRootNode;
  active_recorder = this;
}

FileRecorder::~FileRecorder() { active_recorder = nullptr; }

FileRecorder* FileRecorder::active() { return active_recorder; }

bool FileRecorder::is_below(const std::string& path) const { return path.starts_with(directory_ + "/"); }

std::optional<NodeId> FileRecorder::node_of(int fd) const {
  // By its name too: an inode's number may have been given to a file elsewhere meanwhile.
  char name[4096];
  const auto length = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), name, sizeof name);
  if (length <= 0) return std::nullopt;
  const std::string path(name, static_cast<std::size_t>(length));
  if (path != directory_ && !is_below(path)) return std::nullopt;
  struct stat status {};
  if (::fstat(fd, &status) != 0) return std::nullopt;
  const auto known = nodes_.find({status.st_dev, status.st_ino});
  return known == nodes_.end() ? std::nullopt : std::optional(known->second);
}

std::optional<NodeId> FileRecorder::node_at(const std::string& path) const {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  const auto known = nodes_.find({status.st_dev, status.st_ino});
  return known == nodes_.end() ? std::nullopt : std::optional(known->second);
}

NodeId FileRecorder::remember(const std::string& path) {
  struct stat status {};
  ENSURE(::lstat(path.c_str(), &status) == 0, "{} was made just now", path);
  return nodes_[{status.st_dev, status.st_ino}] = next_node_++;
}

std::optional<std::pair<NodeId, std::string>> FileRecorder::place_of(const std::string& path) const {
  if (!is_below(path)) return std::nullopt;
  const fs::path whole(path);
  const auto folder = node_at(whole.parent_path().string());
  if (!folder) return std::nullopt;
  return std::pair{*folder, whole.filename().string()};
}

}  // namespace holdfast::testing
