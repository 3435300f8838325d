#include "fastfile/mount.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <unordered_map>

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include "base/file.hpp"
#include "base/log.hpp"

namespace holdfast::fastfile {
namespace {

namespace fs = std::filesystem;

// Nothing here ever changes.
constexpr double kForever = 86'400;  // seconds
constexpr unsigned kMaxThreads = 4;  // none of them ever waits for a store
constexpr std::size_t kMaxChannels = 64;
constexpr unsigned kStatBlock = 512;

// A file's number: which channel, from 1, and where in its tree. 1 is the folder of the channels.
constexpr unsigned kChannelShift = 32;
constexpr fuse_ino_t inode_of(std::size_t channel, Tree::Number number) {
  return (static_cast<fuse_ino_t>(channel + 1) << kChannelShift) | number;
}

std::mutex log_mutex;
std::string last_complaint;

void keep_complaint(enum fuse_log_level level, const char* format, va_list arguments) {
  if (level > FUSE_LOG_ERR) return;
  std::array<char, 512> text;
  std::vsnprintf(text.data(), text.size(), format, arguments);
  const std::lock_guard lock(log_mutex);
  last_complaint = text.data();
  while (last_complaint.ends_with('\n')) last_complaint.pop_back();
  log_warn("{}", last_complaint);
}

Result<void> look_for_device() {
  const Fd device{::open("/dev/fuse", O_RDWR | O_CLOEXEC)};
  if (device) return {};
  if (errno == EACCES || errno == EPERM) {
    return fail(Kind::permanent, "/dev/fuse may not be opened: give this user access to it");
  }
  return fail(Kind::permanent,
              "there is no /dev/fuse: load the module (modprobe fuse) or, in a container, hand the device in");
}

}  // namespace

// ---- what libfuse calls

struct Mount::Parts {
  fs::path place;
  Reader& reader;
  std::mutex mutex;  // for the number of channels, and for what is open
  std::array<std::unique_ptr<const Channel>, kMaxChannels> channels = {};
  std::size_t count = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<Reader::Handle>> open;  // the last closes may not be heard of
  std::uint64_t last_opened = 0;
  fuse_session* session = nullptr;
  std::thread thread;
  bool bound = false;  // a mount of its own lies below
  std::atomic<bool> closed = false;

  explicit Parts(const fs::path& at, Reader& with) : place(at), reader(with) {}

  std::size_t channel_count() {
    const std::lock_guard lock(mutex);
    return count;
  }
  std::uint64_t keep(std::shared_ptr<Reader::Handle> handle) {
    const std::lock_guard lock(mutex);
    open.emplace(++last_opened, std::move(handle));
    return last_opened;
  }
  std::shared_ptr<Reader::Handle> opened(std::uint64_t number) {
    const std::lock_guard lock(mutex);
    return open.at(number);
  }
  void close(std::uint64_t number) {
    const auto handle = opened(number);
    reader.close(handle);
    const std::lock_guard lock(mutex);
    open.erase(number);
  }
};

namespace {

struct Place {
  const Channel* channel = nullptr;  // none: the folder of all channels
  std::size_t index = 0;
  Tree::Number number = 0;
  const Tree::Node& node() const { return channel->tree.node(number); }
};

}  // namespace

class MountOperations {
 public:
  static fuse_lowlevel_ops table();

 private:
  static Mount::Parts& parts(fuse_req_t request) { return *static_cast<Mount::Parts*>(fuse_req_userdata(request)); }

  static std::optional<Place> find(Mount::Parts& mount, fuse_ino_t inode) {
    if (inode == FUSE_ROOT_ID) return Place{};
    const auto index = static_cast<std::size_t>(inode >> kChannelShift) - 1;
    const auto number = static_cast<Tree::Number>(inode);
    if (index >= mount.channel_count() || number >= mount.channels[index]->tree.size()) return std::nullopt;
    return Place{mount.channels[index].get(), index, number};
  }

  static struct stat stat_of(fuse_ino_t inode, const Place& place) {
    struct stat status = {};
    const bool folder = place.channel == nullptr || place.node().is_folder;
    status.st_ino = inode;
    status.st_mode = folder ? S_IFDIR | 0555 : S_IFREG | 0444;
    status.st_nlink = folder ? 2 : 1;
    status.st_uid = ::geteuid();
    status.st_gid = ::getegid();
    if (place.channel == nullptr) return status;
    status.st_size = static_cast<off_t>(place.node().size);
    status.st_blocks = static_cast<blkcnt_t>((place.node().size + kStatBlock - 1) / kStatBlock);
    status.st_blksize = kBlock;
    const auto ms = to_ms(place.node().modified);
    status.st_mtim = {ms / 1000, ms % 1000 * 1'000'000};
    status.st_ctim = status.st_atim = status.st_mtim;
    return status;
  }

  static fuse_entry_param entry_of(fuse_ino_t inode, const Place& place) {
    fuse_entry_param entry = {};
    entry.ino = inode;
    entry.attr = stat_of(inode, place);
    entry.attr_timeout = entry.entry_timeout = kForever;
    return entry;
  }

  static void init(void*, fuse_conn_info* connection) {
    connection->max_readahead = std::max<unsigned>(connection->max_readahead, kBlock);
  }

  static void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    auto& mount = parts(request);
    const auto folder = find(mount, parent);
    if (!folder) return static_cast<void>(fuse_reply_err(request, ENOENT));
    if (folder->channel == nullptr) {
      for (std::size_t i = 0; i < mount.channel_count(); ++i) {
        if (mount.channels[i]->name != name) continue;
        const auto entry = entry_of(inode_of(i, 0), {mount.channels[i].get(), i, 0});
        return static_cast<void>(fuse_reply_entry(request, &entry));
      }
      return static_cast<void>(fuse_reply_err(request, ENOENT));
    }
    const auto number = folder->channel->tree.find(folder->number, name);
    if (!number) return static_cast<void>(fuse_reply_err(request, ENOENT));
    const auto entry = entry_of(inode_of(folder->index, *number), {folder->channel, folder->index, *number});
    fuse_reply_entry(request, &entry);
  }

  static void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
    const auto place = find(parts(request), inode);
    if (!place) return static_cast<void>(fuse_reply_err(request, ENOENT));
    const auto status = stat_of(inode, *place);
    fuse_reply_attr(request, &status, place->channel ? kForever : 0);
  }

  // Numbers stay as long as the mount does.
  static void forget(fuse_req_t request, fuse_ino_t, std::uint64_t) { fuse_reply_none(request); }
  static void forget_multi(fuse_req_t request, std::size_t, fuse_forget_data*) { fuse_reply_none(request); }

  static void opendir(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
    info->cache_readdir = info->keep_cache = inode != FUSE_ROOT_ID;
    fuse_reply_open(request, info);
  }

  // The entry at this position of a folder: "." and ".." come first. Nothing: behind the last one.
  struct Listed {
    std::string name;
    fuse_ino_t inode;
    Place place;
  };
  static std::optional<Listed> entry_at(Mount::Parts& mount, fuse_ino_t inode, const Place& folder, std::size_t at) {
    if (at < 2) return Listed{at == 0 ? "." : "..", inode, folder};
    at -= 2;
    if (folder.channel == nullptr) {
      if (at >= mount.channel_count()) return std::nullopt;
      return Listed{mount.channels[at]->name, inode_of(at, 0), {mount.channels[at].get(), at, 0}};
    }
    const auto& children = folder.node().children;
    if (at >= children.size()) return std::nullopt;
    const Place child{folder.channel, folder.index, children[at]};
    return Listed{child.node().name, inode_of(child.index, child.number), child};
  }

  template <bool plus>
  static void readdir(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info*) {
    auto& mount = parts(request);
    const auto folder = find(mount, inode);
    if (!folder) return static_cast<void>(fuse_reply_err(request, ENOENT));
    std::string buffer(size, '\0');
    std::size_t used = 0;
    for (auto at = static_cast<std::size_t>(offset);; ++at) {
      const auto listed = entry_at(mount, inode, *folder, at);
      if (!listed) break;
      const auto next = static_cast<off_t>(at + 1);
      auto entry = entry_of(listed->inode, listed->place);
      if (at < 2) entry.ino = 0;  // no lookup, so nothing to forget
      const auto need =
          plus ? fuse_add_direntry_plus(request, buffer.data() + used, size - used, listed->name.c_str(), &entry, next)
               : fuse_add_direntry(request, buffer.data() + used, size - used, listed->name.c_str(), &entry.attr, next);
      if (need > size - used) break;
      used += need;
    }
    fuse_reply_buf(request, buffer.data(), used);
  }

  static void open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
    auto& mount = parts(request);
    const auto place = find(mount, inode);
    if (!place || place->channel == nullptr) return static_cast<void>(fuse_reply_err(request, ENOENT));
    if ((info->flags & O_ACCMODE) != O_RDONLY) return static_cast<void>(fuse_reply_err(request, EROFS));
    const auto& channel = *place->channel;
    const auto& node = place->node();
    info->fh =
        mount.keep(mount.reader.open({inode, channel.bucket, channel.prefix + channel.tree.path_of(place->number),
                                      node.version, node.size, channel.counters}));
    info->keep_cache = 1;  // of one version, so what the kernel has stays true
    if (fuse_reply_open(request, info) != 0) mount.close(info->fh);
  }

  static void read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
    parts(request).reader.read(
        parts(request).opened(info->fh), static_cast<std::uint64_t>(offset), size,
        [request](std::optional<std::vector<Slice>> slices) {
          if (!slices) return static_cast<void>(fuse_reply_err(request, EIO));
          std::vector<iovec> pieces;
          for (const auto& slice : *slices) {
            pieces.push_back({const_cast<char*>(slice.block->data()) + slice.offset, slice.length});
          }
          fuse_reply_iov(request, pieces.data(), static_cast<int>(pieces.size()));
        });
  }

  static void release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    parts(request).close(info->fh);
    fuse_reply_err(request, 0);
  }

  static void statfs(fuse_req_t request, fuse_ino_t) {
    auto& mount = parts(request);
    struct statvfs status = {};
    status.f_bsize = status.f_frsize = 4096;
    status.f_namemax = 255;
    for (std::size_t i = 0; i < mount.channel_count(); ++i) {
      status.f_blocks += mount.channels[i]->tree.bytes() / status.f_frsize;
      status.f_files += mount.channels[i]->tree.files();
    }
    fuse_reply_statfs(request, &status);
  }
};

fuse_lowlevel_ops MountOperations::table() {
  fuse_lowlevel_ops table = {};
  table.init = init;
  table.lookup = lookup;
  table.forget = forget;
  table.forget_multi = forget_multi;
  table.getattr = getattr;
  table.opendir = opendir;
  table.readdir = readdir<false>;
  table.readdirplus = readdir<true>;
  table.open = open;
  table.read = read;
  table.release = release;
  table.statfs = statfs;
  return table;
}

// ---- mounting and unmounting

Mount::Mount(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Mount>> Mount::open(const fs::path& place, Reader& reader, std::function<void()> lost) {
  if (auto there = look_for_device(); !there) return fail(there.error());
  if (auto made = make_directories(place / kChannels); !made) return fail(made.error());
  fuse_set_log_func(keep_complaint);
  std::unique_ptr<Mount> mount(new Mount(std::make_unique<Parts>(place, reader)));
  auto& parts = *mount->parts_;
  // Where mounts are passed on to other namespaces, ours are not: another program's sandbox, just being made, would
  // lose one from under its hands when it ends. Only root can do that.
  parts.bound = ::mount(place.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) == 0;
  if (parts.bound) ::mount(nullptr, place.c_str(), nullptr, MS_PRIVATE, nullptr);

  const char* words[] = {"holdfast", "-o", "ro,nosuid,nodev,fsname=holdfast,subtype=fastfile"};
  fuse_args arguments = FUSE_ARGS_INIT(3, const_cast<char**>(words));
  const auto operations = MountOperations::table();
  parts.session = fuse_session_new(&arguments, &operations, sizeof operations, &parts);
  fuse_opt_free_args(&arguments);
  if (parts.session == nullptr) return fail(Kind::permanent, "libfuse refuses to begin");
  if (fuse_session_mount(parts.session, (place / kChannels).c_str()) != 0) {
    fuse_session_destroy(std::exchange(parts.session, nullptr));
    const std::lock_guard lock(log_mutex);
    return fail(Kind::permanent,
                "a file system may not be mounted here ({}): install fuse3, whose fusermount3 lets a user mount; in a "
                "container give the capability SYS_ADMIN",
                last_complaint.empty() ? "no reason given" : last_complaint);
  }
  parts.thread = std::thread([session = parts.session, &closed = parts.closed, lost = std::move(lost)] {
    fuse_loop_config* config = fuse_loop_cfg_create();
    fuse_loop_cfg_set_max_threads(config, kMaxThreads);
    fuse_loop_cfg_set_idle_threads(config, kMaxThreads);
    fuse_session_loop_mt(session, config);
    fuse_loop_cfg_destroy(config);
    if (!closed && lost) lost();
  });
  return mount;
}

Mount::~Mount() {
  close();
  if (parts_->thread.joinable()) parts_->thread.join();
  if (parts_->session == nullptr) return;
  fuse_session_unmount(parts_->session);  // it may be done, but what it remembers is let go only here
  fuse_session_destroy(parts_->session);
}

Result<void> Mount::add(Channel channel) {
  const std::lock_guard lock(parts_->mutex);
  if (parts_->count == kMaxChannels) return fail(Kind::invalid, "more than {} channels", kMaxChannels);
  parts_->channels[parts_->count] = std::make_unique<const Channel>(std::move(channel));
  parts_->count += 1;
  return {};
}

void Mount::close() {
  if (parts_->closed.exchange(true)) return;
  // Whatever is open in it: the name is free at once, and the rest goes with the last who holds it.
  if (parts_->session != nullptr) fuse_session_exit(parts_->session);
  const bool gone = parts_->bound && ::umount2(parts_->place.c_str(), MNT_DETACH) == 0;
  if (!gone && parts_->session != nullptr) fuse_session_unmount(parts_->session);
}

}  // namespace holdfast::fastfile
