// A disk in memory under SQLite, registered as a VFS of its own, and a model of what is left of it when the power goes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::testing {

// Name to content: what a computer finds on the disk when it starts.
using DiskImage = std::map<std::string, std::string>;

struct DiskOp {
  enum class Kind { create, write, truncate, sync, remove };
  Kind kind = Kind::write;
  std::string file;
  std::size_t offset = 0;  // truncate: the new length
  std::string bytes;
};

// What may be left of everything that was not synced.
enum class Loss {
  all,     // nothing of it
  none,    // all of it: also what a crash of the process alone leaves
  prefix,  // of each file the oldest writes up to some point, the last one torn
  subset,  // of each file any of its writes, each perhaps torn
};
const char* to_string(Loss loss);

// Follows the operations of a disk. A write counts only once its file is synced, a new or a removed name only once the
// directory is. A torn write keeps whole sectors of 512 bytes.
class DiskModel {
 public:
  explicit DiskModel(const DiskImage& image);
  void apply(const DiskOp& op);
  DiskImage after_power_loss(Loss loss, std::uint64_t seed) const;

 private:
  struct File {
    bool exists = false;
    bool named = false;                // the directory names it on the disk, not only in memory
    std::string synced;                // content on the disk
    std::vector<DiskOp> pending;       // since then
    std::optional<std::string> ghost;  // content of a removed file of this name that may still be there
  };
  std::map<std::string, File> files_;
};

// While it lives, "file:/db?vfs=<name>" opens a database on it. Files are locked and memory is shared between the
// connections of this process, as the operating system would do it.
class CrashDisk {
 public:
  CrashDisk(std::string name, DiskImage image);
  ~CrashDisk();
  CrashDisk(const CrashDisk&) = delete;
  CrashDisk& operator=(const CrashDisk&) = delete;

  std::string uri() const { return "file:/db?vfs=" + name_; }
  DiskImage image() const;
  // Told of each write, truncation, sync and removal, in order, just before it is done. Creations are told of too.
  std::function<void(const DiskOp& op)> on_op;

  struct State;

 private:
  std::string name_;
  std::unique_ptr<State> state_;
};

}  // namespace holdfast::testing
