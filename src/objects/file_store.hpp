// Objects in a directory: ROOT/<bucket>/<see key_path.hpp>. A put writes a new file beside and renames it into place,
// so a file never changes once it has a name, and a copy can be a hard link. Several processes may share a root.
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/file.hpp"
#include "ports/bucket_store.hpp"

namespace holdfast::objects {

enum class Durability {
  machine,  // what was stored survives a loss of power
  process,  // only a crash of the process: for tests, and for a file system that is gone with the power anyway
};

class FileStore final : public ports::BucketStore {
 public:
  // Makes the directory where it is missing, and removes what processes that died have left half written.
  static Result<std::unique_ptr<FileStore>> open(const std::filesystem::path& root,
                                                 Durability durability = Durability::machine);
  ~FileStore() override;

  Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) override;
  Result<void> put(const std::string& bucket, const std::string& key, ports::Source& source) override;
  Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) override;
  Result<std::uint64_t> get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                            std::uint64_t length, const Sink& sink) override;
  // The etag is the one that it was stored with. Where there was none it is made up, is no MD5 and says so, as S3's
  // does for multipart objects: it ends in "-1".
  Result<ports::ObjectInfo> head(const std::string& bucket, const std::string& key) override;
  // Reads each directory on the way once per page, all its names in memory.
  Result<ports::ListPage> list(const std::string& bucket, const std::string& prefix, const std::string& start_after,
                               std::size_t limit) override;
  // A copy keeps the time of the original.
  Result<void> copy(const std::string& bucket, const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& bucket, const std::string& key) override;
  Result<bool> bucket_exists(const std::string& bucket) override;
  Result<void> create_bucket(const std::string& bucket) override;
  Result<std::vector<ports::ObjectInfo>> buckets() override;

  Result<ports::OpenObject> open_object(const std::string& bucket, const std::string& key) override;
  // ETag and notes are an extended attribute of the file. Where the file system has none of those, they are lost with a
  // warning.
  Result<ports::ObjectInfo> take_file(const std::string& bucket, const std::string& key,
                                      const std::filesystem::path& file, const ports::NewObject& object) override;
  // A hard link; with `changed` the file system's own copy. A link keeps the time of the original.
  Result<ports::ObjectInfo> copy_object(const ports::OpenObject& from, const std::string& bucket,
                                        const std::string& key,
                                        const std::optional<ports::NewObject>& changed) override;
  Result<void> remove_if_match(const std::string& bucket, const std::string& key, const std::string& etag) override;
  Result<void> remove_bucket(const std::string& bucket) override;

 private:
  struct Draft;
  // Of a folder as it was made: one that is removed and made anew is another.
  struct FolderIdentity {
    std::uint64_t inode = 0;
    std::int64_t born_s = 0;
    std::uint32_t born_ns = 0;
    bool operator==(const FolderIdentity&) const = default;
  };
  static Result<FolderIdentity> identity_of(const std::filesystem::path& folder);
  FileStore(std::filesystem::path root, std::filesystem::path drafts, Fd drafts_lock, Durability durability);
  Result<std::filesystem::path> bucket_path(const std::string& bucket) const;
  Result<std::filesystem::path> object_path(const std::string& bucket, const std::string& key) const;
  Result<void> sync_names(const std::filesystem::path& folder) const;
  Result<void> sync_file(const Draft& draft, const std::string& what) const;
  Result<void> keep_folder(const std::filesystem::path& folder);
  Result<void> make_folders(const std::filesystem::path& top, const std::filesystem::path& file);
  Result<Draft> new_draft() const;
  Result<void> place(const Draft& draft, const std::string& bucket, const std::string& key,
                     const ports::NewObject& object = {});
  Result<bool> put_in_place(const Draft& draft, const std::filesystem::path& target, const ports::NewObject& object);
  std::mutex& lock_of(const std::filesystem::path& target);
  // Removes the object, if `etag` is given only one that it names.
  Result<void> take_away(const std::string& bucket, const std::string& key, const std::optional<std::string>& etag);
  Result<ports::ObjectInfo> finish(Draft draft, const std::string& bucket, const std::string& key,
                                   const ports::NewObject& object);
  Result<void> copy_bytes(const std::string& bucket, const std::string& from, const std::string& to);

  std::filesystem::path root_;
  std::filesystem::path drafts_;  // ours alone, as long as drafts_lock_ is held
  Fd drafts_lock_;
  Durability durability_;
  std::atomic<bool> warned_ = false;
  std::mutex mutex_;
  // Between a look at an object and its replacement; one for all names with the same hash.
  std::array<std::mutex, 64> name_locks_;
  std::map<std::filesystem::path, FolderIdentity> kept_folders_;  // known to be durable in their parents
};

}  // namespace holdfast::objects
