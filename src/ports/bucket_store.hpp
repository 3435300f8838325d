// An object store that can stand behind an S3 endpoint: beside the bytes it keeps an ETag and what else clients want to
// have back, and it stores on conditions.
#pragma once

#include <optional>

#include "ports/object_store.hpp"

namespace holdfast::ports {

constexpr std::size_t kMaxNotes = 3500;  // bytes; what fits beside a file on ext4

// An object as it was at one moment, however it is replaced or removed afterwards.
struct OpenObject {
  Fd fd;  // for reading, from any offset
  ObjectInfo info;
};

// What a put says beside the bytes.
struct NewObject {
  std::string etag = {};   // empty: the store makes one up
  std::string notes = {};  // the caller's own text, kept as it is; at most kMaxNotes bytes
  // Stored only over the object with this ETag ("*": over any); not_found where there is none, conflict where there is
  // another. Atomic against everybody who stores or removes through the same process.
  std::optional<std::string> if_match = {};
  bool if_absent = false;  // stored only if there is no object; else conflict. Atomic against every process
};

// Blocking; called from worker threads. Errors as ObjectStore has them.
class BucketStore : public ObjectStore {
 public:
  virtual Result<OpenObject> open_object(const std::string& bucket, const std::string& key) = 0;
  // Stores the whole file. The store may take it for its own, so it belongs to nobody else, and afterwards it may be
  // gone, whatever comes out. No bytes are copied where the file lies on the store's own disk.
  virtual Result<ObjectInfo> take_file(const std::string& bucket, const std::string& key,
                                       const std::filesystem::path& file, const NewObject& object) = 0;
  // Stores what was opened under another name, ETag and notes included; with `changed`, under those. Without it no
  // bytes are copied as long as somebody can still reach the object by a name.
  virtual Result<ObjectInfo> copy_object(const OpenObject& from, const std::string& bucket, const std::string& key,
                                         const std::optional<NewObject>& changed) = 0;
  // Removes the object with this ETag ("*": whichever is there); not_found where there is none, conflict where there is
  // another. Atomic as if_match is.
  virtual Result<void> remove_if_match(const std::string& bucket, const std::string& key, const std::string& etag) = 0;
  // Kind::conflict: there are objects in it.
  virtual Result<void> remove_bucket(const std::string& bucket) = 0;
};

}  // namespace holdfast::ports
