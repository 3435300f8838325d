#include "objects/file_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <limits>
#include <system_error>

#include "objects/file_store_draft.hpp"
#include "objects/key_path.hpp"
#include "objects/key_walk.hpp"
#include "objects/object_file.hpp"

namespace holdfast::objects {
namespace {

namespace fs = std::filesystem;
using ports::ListPage;
using ports::NewObject;
using ports::ObjectInfo;

constexpr std::string_view kDraftsPrefix = ".drafts-";
constexpr std::size_t kBlock = 1u << 20;
constexpr std::size_t kMaxListed = 1000;
// Each try can fail only because someone else removed the same empty folder just then.
constexpr int kMaxPlacingTries = 16;
constexpr std::size_t kMaxKeptFolders = 10'000;

// Nothing: somebody else holds it, or the folder is gone. NFS locks only files that are open for writing, so there the
// lock is on a file in the folder, which who makes the folder makes as well.
Fd lock_drafts(const fs::path& folder, int flags_of_file) {
  Fd opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened || ::flock(opened.get(), LOCK_EX | LOCK_NB) == 0) return opened;
  if (errno == EWOULDBLOCK) return {};
  Fd file{::open((folder / "lock").c_str(), O_RDWR | O_CLOEXEC | flags_of_file, 0600)};
  if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return {};
  return file;
}

// Folders of which nobody holds the lock belong to processes that are gone.
void sweep_drafts(const fs::path& root) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    if (!entry.path().filename().string().starts_with(kDraftsPrefix)) continue;
    const auto lock = lock_drafts(entry.path(), 0);
    if (!lock) continue;
    fs::remove_all(entry.path(), error);
  }
}

struct Drafts {
  fs::path path;
  Fd lock;
};

Result<Drafts> make_drafts(const fs::path& root) {
  for (int i = 0; i < kMaxPlacingTries; ++i) {
    auto name = (root / (std::string(kDraftsPrefix) + "XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr) return fail_errno("creating a folder for drafts in " + root.string(), errno);
    auto lock = lock_drafts(name, O_CREAT);
    struct stat status {};
    // Someone's sweep may have come between the making and the locking.
    if (lock && ::stat(name.c_str(), &status) == 0) return Drafts{name, std::move(lock)};
  }
  return fail(Kind::try_again, "creating a folder for drafts in {}: it is removed again and again", root.string());
}

}  // namespace

FileStore::FileStore(fs::path root, fs::path drafts, Fd drafts_lock, Durability durability)
    : root_(std::move(root)),
      drafts_(std::move(drafts)),
      drafts_lock_(std::move(drafts_lock)),
      durability_(durability) {}

FileStore::~FileStore() {
  std::error_code error;
  fs::remove_all(drafts_, error);
}

Result<std::unique_ptr<FileStore>> FileStore::open(const fs::path& root, Durability durability) {
  auto made = durability == Durability::machine ? make_durable_directories(root) : make_directories(root);
  if (!made) return fail(made.error(), "opening the object store");
  sweep_drafts(root);
  auto drafts = make_drafts(root);
  if (!drafts) return fail(drafts.error(), "opening the object store");
  return std::unique_ptr<FileStore>(new FileStore(root, std::move(drafts->path), std::move(drafts->lock), durability));
}

Result<fs::path> FileStore::bucket_path(const std::string& bucket) const {
  if (!is_bucket_name(bucket)) return fail(Kind::invalid, "'{}' is no bucket name", bucket);
  return root_ / bucket;
}

Result<fs::path> FileStore::object_path(const std::string& bucket, const std::string& key) const {
  auto path = bucket_path(bucket);
  if (!path) return path;
  const auto names = file_of_key(key);
  if (!names) return fail(names.error(), "s3://{}", bucket);
  for (const auto& name : *names) *path /= name;
  // As the kernel would, but as the caller's mistake.
  if (path->native().size() >= PATH_MAX) return fail(Kind::invalid, "s3://{}: the key is too long for a path", bucket);
  return path;
}

Result<void> FileStore::sync_names(const fs::path& folder) const {
  return durability_ == Durability::process ? Result<void>() : sync_directory(folder);
}

Result<void> FileStore::sync_file(const Draft& draft, const std::string& what) const {
  if (durability_ == Durability::machine && ::fsync(draft.fd.get()) != 0) return fail_errno(what, errno);
  return {};
}

Result<FileStore::FolderIdentity> FileStore::identity_of(const fs::path& folder) {
  struct statx status {};
  if (::statx(AT_FDCWD, folder.c_str(), 0, STATX_INO | STATX_BTIME, &status) != 0) {
    return fail_errno("looking at " + folder.string(), errno);
  }
  return FolderIdentity{status.stx_ino, status.stx_btime.tv_sec, status.stx_btime.tv_nsec};
}

// A folder that somebody else made may not be durable yet, and may never be if that process died: what is put into it
// must not be answered for before it is.
Result<void> FileStore::keep_folder(const fs::path& folder) {
  if (durability_ == Durability::process) return {};
  const auto identity = identity_of(folder);
  if (!identity) return fail(identity.error());
  {
    const std::lock_guard lock(mutex_);
    if (const auto kept = kept_folders_.find(folder); kept != kept_folders_.end() && kept->second == *identity) {
      return {};
    }
  }
  if (auto synced = sync_names(folder.parent_path()); !synced) return synced;
  const std::lock_guard lock(mutex_);
  if (kept_folders_.size() >= kMaxKeptFolders) kept_folders_.clear();
  kept_folders_[folder] = *identity;
  return {};
}

// The folders between `top`, which exists, and `file`; each durable in its parent, `top` too.
Result<void> FileStore::make_folders(const fs::path& top, const fs::path& file) {
  auto folder = top;
  if (auto kept = keep_folder(folder); !kept) return kept;
  const auto between = file.parent_path().lexically_relative(top);
  if (between == ".") return {};
  for (const auto& name : between) {
    folder /= name;
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("creating " + folder.string(), errno);
    if (auto kept = keep_folder(folder); !kept) return kept;
  }
  return {};
}

Result<FileStore::Draft> FileStore::new_draft() const {
  std::string name = (drafts_ / "XXXXXX").string();
  Fd fd{::mkostemp(name.data(), O_CLOEXEC)};
  if (!fd) return fail_errno("creating a draft in " + drafts_.string(), errno);
  ::fchmod(fd.get(), 0644);
  return Draft{std::move(fd), name};
}

Result<void> FileStore::place(const Draft& draft, const std::string& bucket, const std::string& key,
                              const NewObject& object) {
  const auto target = object_path(bucket, key);
  if (!target) return fail(target.error(), "storing");
  for (int i = 0; i < kMaxPlacingTries; ++i) {
    if (const auto exists = bucket_exists(bucket); !exists || !*exists) {
      return fail(Kind::not_found, "storing {}: no such bucket", uri(bucket, key));
    }
    auto made = make_folders(root_ / bucket, *target);
    if (!made && made.error().kind == Kind::not_found) continue;
    if (!made) return fail(made.error(), "storing {}", uri(bucket, key));
    const auto placed = put_in_place(draft, *target, object);
    if (!placed) return fail(placed.error(), "storing {}", uri(bucket, key));
    if (*placed) return sync_names(target->parent_path());
  }
  return fail(Kind::try_again, "storing {}: its folder is removed again and again", uri(bucket, key));
}

Result<void> FileStore::put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) {
  if (auto path = object_path(bucket, key); !path) return fail(path.error(), "storing");
  auto draft = new_draft();
  if (!draft) return fail(draft.error(), "storing {}", uri(bucket, key));
  const auto what = "storing " + uri(bucket, key);
  if (auto written = write_all(draft->fd.get(), bytes, what); !written) return written;
  if (auto synced = sync_file(*draft, what); !synced) return synced;
  return place(*draft, bucket, key);
}

Result<void> FileStore::put(const std::string& bucket, const std::string& key, ports::Source& source) {
  if (auto path = object_path(bucket, key); !path) return fail(path.error(), "storing");
  auto draft = new_draft();
  if (!draft) return fail(draft.error(), "storing {}", uri(bucket, key));
  const auto what = "storing " + uri(bucket, key);
  std::string block(static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), ports::kSourceBlock)), '\0');
  for (std::uint64_t done = 0; done < source.size(); done += block.size()) {
    block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(source.size() - done, block.size())));
    if (auto read = source.read(done, block); !read) return fail(read.error(), "{}", what);
    if (auto written = write_all(draft->fd.get(), block, what); !written) return written;
  }
  if (auto synced = sync_file(*draft, what); !synced) return synced;
  return place(*draft, bucket, key);
}

Result<std::string> FileStore::get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) {
  const auto what = "reading " + uri(bucket, key);
  const auto path = object_path(bucket, key);
  if (!path) return fail(path.error(), "reading");
  if (auto there = open_object_file(*path, what); !there) return fail(there.error());
  auto bytes = read_file(*path, limit);
  if (!bytes) return fail(bytes.error(), "{}", what);
  return bytes;
}

Result<std::uint64_t> FileStore::get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                                     std::uint64_t length, const Sink& sink) {
  const auto what = "reading " + uri(bucket, key);
  const auto path = object_path(bucket, key);
  if (!path) return fail(path.error(), "reading");
  const auto object = open_object_file(*path, what);
  if (!object) return fail(object.error());
  if (offset > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) return 0;
  std::string block(static_cast<std::size_t>(std::min<std::uint64_t>(length, kBlock)), '\0');
  std::uint64_t done = 0;
  while (done < length) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length - done, block.size()));
    const auto n = ::pread(object->get(), block.data(), wanted, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(what, errno);
    if (n == 0) break;
    const std::string_view bytes(block.data(), static_cast<std::size_t>(n));
    if (auto taken = sink(bytes); !taken) return fail(taken.error());
    done += bytes.size();
  }
  return done;
}

Result<ObjectInfo> FileStore::head(const std::string& bucket, const std::string& key) {
  auto object = open_object(bucket, key);
  if (!object) return fail(object.error());
  return std::move(object->info);
}

Result<ListPage> FileStore::list(const std::string& bucket, const std::string& prefix, const std::string& start_after,
                                 std::size_t limit) {
  const auto exists = bucket_exists(bucket);
  if (!exists) return fail(exists.error());
  if (!*exists) return fail(Kind::not_found, "listing s3://{}: no such bucket", bucket);
  limit = std::min(limit, kMaxListed);
  // One more than asked for tells whether there are more.
  auto found = walk_keys(root_ / bucket, prefix, start_after, limit + 1);
  if (!found) return fail(found.error(), "listing s3://{}/{}", bucket, prefix);
  ListPage page;
  page.truncated = found->size() > limit;
  if (page.truncated) found->pop_back();
  page.objects = std::move(*found);
  return page;
}

Result<void> FileStore::copy(const std::string& bucket, const std::string& from, const std::string& to) {
  const auto source = object_path(bucket, from);
  if (!source) return fail(source.error(), "copying");
  if (auto target = object_path(bucket, to); !target) return fail(target.error(), "copying");
  auto draft = new_draft();
  if (!draft) return fail(draft.error(), "copying {}", uri(bucket, from));
  // link() needs a name that is free; the draft's was free a moment ago, and the folder is ours.
  ::unlink(draft->path.c_str());
  if (::link(source->c_str(), draft->path.c_str()) == 0) return place(*draft, bucket, to);
  if (errno == EMLINK) return copy_bytes(bucket, from, to);
  if (errno == ENOENT || errno == ENOTDIR)
    return fail(Kind::not_found, "copying {}: no such object", uri(bucket, from));
  return fail_errno("copying " + uri(bucket, from), errno);
}

// For the copy after the last one that the file system's count of links allows.
Result<void> FileStore::copy_bytes(const std::string& bucket, const std::string& from, const std::string& to) {
  auto draft = new_draft();
  if (!draft) return fail(draft.error(), "copying {}", uri(bucket, from));
  const auto sink = [&](std::string_view block) { return write_all(draft->fd.get(), block, "copying"); };
  if (auto bytes = get(bucket, from, 0, ports::kToTheEnd, sink); !bytes) return fail(bytes.error());
  if (auto synced = sync_file(*draft, "copying " + uri(bucket, from)); !synced) return synced;
  return place(*draft, bucket, to);
}

Result<void> FileStore::remove(const std::string& bucket, const std::string& key) {
  return take_away(bucket, key, std::nullopt);
}

Result<bool> FileStore::bucket_exists(const std::string& bucket) {
  const auto path = bucket_path(bucket);
  if (!path) return fail(path.error());
  struct stat status {};
  if (::stat(path->c_str(), &status) == 0) return S_ISDIR(status.st_mode);
  if (errno == ENOENT) return false;
  return fail_errno("looking for s3://" + bucket, errno);
}

Result<void> FileStore::create_bucket(const std::string& bucket) {
  const auto path = bucket_path(bucket);
  if (!path) return fail(path.error(), "creating a bucket");
  if (::mkdir(path->c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("creating s3://" + bucket, errno);
  return sync_names(root_);
}

Result<std::vector<ObjectInfo>> FileStore::buckets() {
  std::vector<ObjectInfo> found;
  std::error_code error;
  for (fs::directory_iterator next(root_, error), end; !error && next != end; next.increment(error)) {
    const auto name = next->path().filename().string();
    struct statx status {};
    if (!is_bucket_name(name)) continue;
    if (::statx(AT_FDCWD, next->path().c_str(), 0, STATX_TYPE | STATX_BTIME | STATX_MTIME, &status) != 0) continue;
    if (!S_ISDIR(status.stx_mode)) continue;
    const auto& made = (status.stx_mask & STATX_BTIME) != 0 ? status.stx_btime : status.stx_mtime;
    found.push_back(
        {.key = name, .size = 0, .etag = "", .modified = from_ms(made.tv_sec * 1000 + made.tv_nsec / 1'000'000)});
  }
  if (error) return fail_errno("listing buckets in " + root_.string(), error.value());
  std::ranges::sort(found, {}, &ObjectInfo::key);
  return found;
}

}  // namespace holdfast::objects
