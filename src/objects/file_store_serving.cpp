// What a FileStore does for an S3 endpoint: objects with ETag and notes, conditions, copies, buckets that go away.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/file.hpp"
#include "base/log.hpp"
#include "objects/file_store.hpp"
#include "objects/file_store_draft.hpp"
#include "objects/object_file.hpp"

namespace holdfast::objects {

namespace fs = std::filesystem;
using ports::NewObject;
using ports::ObjectInfo;
using ports::OpenObject;

namespace {

// The object is there, and has this ETag ("*": any).
Result<void> check_there(const fs::path& path, const std::string& etag) {
  const auto there = open_object_file(path, "looking for the object that a condition names");
  if (!there) return fail(there.error());
  const auto info = info_of("", there->get());
  if (!info) return fail(info.error());
  if (etag != "*" && etag != info->etag) return fail(Kind::conflict, "the object there is another");
  return {};
}

// Bottom up; whatever is not a folder stops it.
void remove_empty_folders(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator next(folder, error), end; !error && next != end; next.increment(error)) {
    std::error_code gone;
    if (!next->is_directory(gone) || next->is_symlink(gone)) return;
    remove_empty_folders(next->path());
    if (::rmdir(next->path().c_str()) != 0) return;
  }
}

}  // namespace

Result<OpenObject> FileStore::open_object(const std::string& bucket, const std::string& key) {
  const auto path = object_path(bucket, key);
  if (!path) return fail(path.error(), "looking for");
  auto fd = open_object_file(*path, "looking for " + uri(bucket, key));
  if (!fd) return fail(fd.error());
  auto info = info_of(key, fd->get());
  if (!info) return fail(info.error(), "looking for {}", uri(bucket, key));
  return OpenObject{std::move(*fd), std::move(*info)};
}

// ---- one name for one object at a time

std::mutex& FileStore::lock_of(const fs::path& target) {
  return name_locks_[std::hash<std::string>{}(target.native()) % name_locks_.size()];
}

// False: a folder on the way went away just then.
Result<bool> FileStore::put_in_place(const Draft& draft, const fs::path& target, const NewObject& object) {
  const std::lock_guard lock(lock_of(target));
  if (object.if_match) {
    if (auto there = check_there(target, *object.if_match); !there) return fail(there.error());
  }
  // A link is refused where there is a name already, whoever made it; the draft's own name goes with the draft.
  if (object.if_absent) {
    if (::link(draft.path.c_str(), target.c_str()) == 0) return true;
    if (errno == EEXIST) return fail(Kind::conflict, "there is an object already");
  } else if (::rename(draft.path.c_str(), target.c_str()) == 0) {
    return true;
  }
  if (errno == ENOENT) return false;
  return fail_errno("giving it its name", errno);
}

// With attributes, durable, in its place.
Result<ObjectInfo> FileStore::finish(Draft draft, const std::string& bucket, const std::string& key,
                                     const NewObject& object) {
  const auto what = "storing " + uri(bucket, key);
  const auto kept = write_attributes(draft.fd.get(), object);
  if (!kept) return fail(kept.error(), "{}", what);
  if (!*kept && !warned_.exchange(true)) {
    log_warn(
        "{} is on a file system without extended attributes: ETags will be made up, and what clients say about "
        "their objects (Content-Type, metadata, tags) is lost",
        root_.string());
  }
  if (auto synced = sync_file(draft, what); !synced) return fail(synced.error());
  auto info = info_of(key, draft.fd.get());
  if (!info) return fail(info.error(), "{}", what);
  if (auto placed = place(draft, bucket, key, object); !placed) return fail(placed.error());
  return info;
}

Result<ObjectInfo> FileStore::take_file(const std::string& bucket, const std::string& key, const fs::path& file,
                                        const NewObject& object) {
  if (auto path = object_path(bucket, key); !path) return fail(path.error(), "storing");
  Draft given{Fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)}, file};
  struct stat status {
  }, own{};
  if (!given.fd || ::fstat(given.fd.get(), &status) != 0 || ::stat(drafts_.c_str(), &own) != 0)
    return fail_errno("storing " + uri(bucket, key), errno);
  if (status.st_dev == own.st_dev) {
    ::fchmod(given.fd.get(), 0644);
    return finish(std::move(given), bucket, key, object);
  }
  auto draft = new_draft();
  if (!draft) return fail(draft.error(), "storing {}", uri(bucket, key));
  if (auto copied = copy_contents(given.fd.get(), draft->fd.get(), "storing " + uri(bucket, key)); !copied)
    return fail(copied.error());
  return finish(std::move(*draft), bucket, key, object);
}

Result<ObjectInfo> FileStore::copy_object(const OpenObject& from, const std::string& bucket, const std::string& key,
                                          const std::optional<NewObject>& changed) {
  if (auto target = object_path(bucket, key); !target) return fail(target.error(), "copying");
  if (!changed) {
    auto linked = new_draft();
    if (!linked) return fail(linked.error(), "copying to {}", uri(bucket, key));
    // By its descriptor: its name may stand for another object by now. link() needs a name that is free.
    ::unlink(linked->path.c_str());
    const auto open_file = fmt::format("/proc/self/fd/{}", from.fd.get());
    if (::linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, linked->path.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      if (auto placed = place(*linked, bucket, key); !placed) return fail(placed.error());
      auto info = from.info;
      info.key = key;
      return info;
    }
    // Too many names, another disk, or none left: then its bytes.
  }
  auto draft = new_draft();
  if (!draft) return fail(draft.error(), "copying to {}", uri(bucket, key));
  if (auto copied = copy_contents(from.fd.get(), draft->fd.get(), "copying to " + uri(bucket, key)); !copied)
    return fail(copied.error());
  const auto same = NewObject{.etag = from.info.etag, .notes = from.info.notes};
  return finish(std::move(*draft), bucket, key, changed.value_or(same));
}

Result<void> FileStore::take_away(const std::string& bucket, const std::string& key,
                                  const std::optional<std::string>& etag) {
  const auto path = object_path(bucket, key);
  if (!path) return fail(path.error(), "removing");
  if (const auto exists = bucket_exists(bucket); !exists || !*exists) {
    return fail(Kind::not_found, "removing {}: no such bucket", uri(bucket, key));
  }
  {
    const std::lock_guard lock(lock_of(*path));
    if (etag) {
      if (auto there = check_there(*path, *etag); !there) return fail(there.error(), "removing {}", uri(bucket, key));
    }
    if (::unlink(path->c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
      return fail_errno("removing " + uri(bucket, key), errno);
    }
  }
  // Folders exist only as far as objects need them; one that is not empty stays.
  const auto top = root_ / bucket;
  for (auto folder = path->parent_path(); folder != top && ::rmdir(folder.c_str()) == 0;) folder = folder.parent_path();
  return {};
}

Result<void> FileStore::remove_if_match(const std::string& bucket, const std::string& key, const std::string& etag) {
  return take_away(bucket, key, etag);
}

Result<void> FileStore::remove_bucket(const std::string& bucket) {
  const auto path = bucket_path(bucket);
  if (!path) return fail(path.error(), "removing a bucket");
  // Folders that a process left behind when it died between the two steps of a removal.
  remove_empty_folders(*path);
  if (::rmdir(path->c_str()) == 0) return sync_names(root_);
  if (errno == ENOTEMPTY || errno == EEXIST)
    return fail(Kind::conflict, "removing s3://{}: there are objects in it", bucket);
  return fail_errno("removing s3://" + bucket, errno);
}

}  // namespace holdfast::objects
