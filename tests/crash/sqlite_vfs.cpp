// CrashDisk as a VFS. Single-threaded on purpose: what it is for is the order of things.
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/ensure.hpp"
#include "crash/memory_disk.hpp"

namespace holdfast::testing {
namespace {

constexpr int kShmLocks = SQLITE_SHM_NLOCK;
struct Handle;

struct Node {
  std::string bytes;
  std::vector<Handle*> open;
  std::vector<std::unique_ptr<char[]>> shared_memory;
};

// SQLite allocates szOsFile bytes for it and knows its first member only.
struct Handle {
  sqlite3_file base;
  CrashDisk* disk;
  std::shared_ptr<Node>* node;  // a pointer, since SQLite makes no constructor calls
  std::string* name;
  int lock;
  unsigned shared_slots, exclusive_slots;  // of the shared memory, as bits
};

Handle& handle(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
Node& node_of(sqlite3_file* file) { return **handle(file).node; }

void tell(Handle& file, DiskOp::Kind kind, std::size_t offset = 0, std::string bytes = {}) {
  if (file.disk->on_op) file.disk->on_op({kind, *file.name, offset, std::move(bytes)});
}

int close_file(sqlite3_file* file) {
  auto& self = handle(file);
  std::erase((*self.node)->open, &self);
  delete self.node;
  delete self.name;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
  const auto& bytes = node_of(file).bytes;
  const auto from = std::min(bytes.size(), static_cast<std::size_t>(offset));
  const auto got = std::min(bytes.size() - from, static_cast<std::size_t>(amount));
  std::memcpy(to, bytes.data() + from, got);
  std::memset(static_cast<char*>(to) + got, 0, static_cast<std::size_t>(amount) - got);
  return got == static_cast<std::size_t>(amount) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  const std::string bytes(static_cast<const char*>(from), static_cast<std::size_t>(amount));
  const auto at = static_cast<std::size_t>(offset);
  tell(handle(file), DiskOp::Kind::write, at, bytes);
  auto& content = node_of(file).bytes;
  if (content.size() < at + bytes.size()) content.resize(at + bytes.size(), '\0');
  content.replace(at, bytes.size(), bytes);
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  tell(handle(file), DiskOp::Kind::truncate, static_cast<std::size_t>(size));
  node_of(file).bytes.resize(static_cast<std::size_t>(size), '\0');
  return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
  tell(handle(file), DiskOp::Kind::sync);
  return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(node_of(file).bytes.size());
  return SQLITE_OK;
}

int highest_lock_of_others(sqlite3_file* file) {
  int highest = SQLITE_LOCK_NONE;
  for (const auto* other : node_of(file).open) {
    if (other != &handle(file)) highest = std::max(highest, other->lock);
  }
  return highest;
}

int lock_file(sqlite3_file* file, int level) {
  const int others = highest_lock_of_others(file);
  const int most = level == SQLITE_LOCK_SHARED     ? SQLITE_LOCK_RESERVED
                   : level == SQLITE_LOCK_RESERVED ? SQLITE_LOCK_SHARED
                                                   : SQLITE_LOCK_NONE;
  if (others > most) return SQLITE_BUSY;
  handle(file).lock = std::max(handle(file).lock, level);
  return SQLITE_OK;
}

int unlock_file(sqlite3_file* file, int level) {
  handle(file).lock = std::min(handle(file).lock, level);
  return SQLITE_OK;
}

int check_reserved(sqlite3_file* file, int* reserved) {
  *reserved = std::max(handle(file).lock, highest_lock_of_others(file)) >= SQLITE_LOCK_RESERVED ? 1 : 0;
  return SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 512; }
// As SQLite's own VFS has it: a torn write spoils nothing beside itself.
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map_shared_memory(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  auto& regions = node_of(file).shared_memory;
  const auto index = static_cast<std::size_t>(region);
  *memory = nullptr;
  if (index >= regions.size() && extend == 0) return SQLITE_OK;
  while (regions.size() <= index) regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
  *memory = regions[index].get();
  return SQLITE_OK;
}

int lock_shared_memory(sqlite3_file* file, int offset, int count, int flags) {
  auto& self = handle(file);
  const unsigned slots = ((1U << static_cast<unsigned>(count)) - 1U) << static_cast<unsigned>(offset);
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    self.shared_slots &= ~slots;
    self.exclusive_slots &= ~slots;
    return SQLITE_OK;
  }
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  for (const auto* other : node_of(file).open) {
    if (other == &self) continue;
    if (((other->exclusive_slots | (exclusive ? other->shared_slots : 0U)) & slots) != 0) return SQLITE_BUSY;
  }
  (exclusive ? self.exclusive_slots : self.shared_slots) |= slots;
  return SQLITE_OK;
}

void memory_barrier(sqlite3_file*) {}

int unmap_shared_memory(sqlite3_file* file, int remove) {
  handle(file).shared_slots = handle(file).exclusive_slots = 0;
  if (remove != 0) node_of(file).shared_memory.clear();
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods = {2,
                                     close_file,
                                     read_file,
                                     write_file,
                                     truncate_file,
                                     sync_file,
                                     size_of_file,
                                     lock_file,
                                     unlock_file,
                                     check_reserved,
                                     file_control,
                                     sector_size,
                                     characteristics,
                                     map_shared_memory,
                                     lock_shared_memory,
                                     memory_barrier,
                                     unmap_shared_memory,
                                     nullptr,
                                     nullptr};

}  // namespace

struct CrashDisk::State {
  CrashDisk* disk = nullptr;
  std::map<std::string, std::shared_ptr<Node>> files;
  sqlite3_vfs vfs{};
};

namespace {

CrashDisk::State& state_of(sqlite3_vfs* vfs) { return *static_cast<CrashDisk::State*>(vfs->pAppData); }

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto& state = state_of(vfs);
  auto& self = handle(file);
  self = {};
  if (name == nullptr) return SQLITE_CANTOPEN;  // a temporary file: none is needed here
  const bool create = (flags & SQLITE_OPEN_CREATE) != 0;
  auto found = state.files.find(name);
  if (found == state.files.end()) {
    if (!create) return SQLITE_CANTOPEN;
    if (state.disk->on_op) state.disk->on_op({DiskOp::Kind::create, name, 0, {}});
    found = state.files.emplace(name, std::make_shared<Node>()).first;
  }
  self.base.pMethods = &kMethods;
  self.disk = state.disk;
  self.node = new std::shared_ptr<Node>(found->second);
  self.name = new std::string(name);
  found->second->open.push_back(&self);
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int remove_file(sqlite3_vfs* vfs, const char* name, int) {
  auto& state = state_of(vfs);
  if (!state.files.contains(name)) return SQLITE_IOERR_DELETE_NOENT;
  if (state.disk->on_op) state.disk->on_op({DiskOp::Kind::remove, name, 0, {}});
  state.files.erase(name);
  return SQLITE_OK;
}

int access_file(sqlite3_vfs* vfs, const char* name, int, int* there) {
  const auto found = state_of(vfs).files.find(name);
  // As SQLite's own VFS has it: an empty journal is none.
  *there = found != state_of(vfs).files.end() && !found->second->bytes.empty() ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int room, char* to) {
  sqlite3_snprintf(room, to, "%s", name);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int amount, char* to) {
  std::memset(to, 7, static_cast<std::size_t>(amount));
  return amount;
}

int sleep_not(sqlite3_vfs*, int microseconds) { return microseconds; }
int last_error(sqlite3_vfs*, int, char*) { return 0; }

int same_time(sqlite3_vfs*, sqlite3_int64* now) {
  *now = 212'000'000'000'000;
  return SQLITE_OK;
}

}  // namespace

CrashDisk::CrashDisk(std::string name, DiskImage image) : name_(std::move(name)), state_(std::make_unique<State>()) {
  state_->disk = this;
  for (auto& [file, bytes] : image) {
    state_->files[file] = std::make_shared<Node>();
    state_->files[file]->bytes = std::move(bytes);
  }
  auto& vfs = state_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(Handle);
  vfs.mxPathname = 256;
  vfs.zName = name_.c_str();
  vfs.pAppData = state_.get();
  vfs.xOpen = open_file;
  vfs.xDelete = remove_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_path;
  vfs.xRandomness = randomness;
  vfs.xSleep = sleep_not;
  vfs.xGetLastError = last_error;
  vfs.xCurrentTimeInt64 = same_time;
  ENSURE(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK, "registering the VFS {}", name_);
}

CrashDisk::~CrashDisk() { sqlite3_vfs_unregister(&state_->vfs); }

DiskImage CrashDisk::image() const {
  DiskImage image;
  for (const auto& [name, node] : state_->files) image[name] = node->bytes;
  return image;
}

}  // namespace holdfast::testing
