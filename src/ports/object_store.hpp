// Objects under keys, as S3 has them: a put is atomic, a get sees the last put, keys sort by byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace holdfast::ports {

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;  // hex MD5 where the store computed one, without quotes; may be empty
  Instant modified;
  std::string notes = {};  // what a BucketStore was given with it
};

struct ListPage {
  std::vector<ObjectInfo> objects;
  bool truncated = false;  // ask again with start_after = the last key
};

// "s3://bucket/prefix" in its two parts; the key may be empty.
struct S3Location {
  std::string bucket;
  std::string key;
};
// Kind::invalid with a message that says what is wrong.
Result<S3Location> parse_s3_uri(std::string_view uri);

// Blocking; called from worker threads. Every method may be retried. Kind::not_found: no such bucket or key;
// Kind::try_again: the store is busy or away.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Called with each block on its way, in order: lets one pass over a file hash and upload it.
  using Tap = std::function<void(std::string_view block)>;

  virtual Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) = 0;
  // Reads `length` bytes from the open file `fd` (from its start) and stores them; fewer bytes in the file than that:
  // Kind::conflict and nothing is stored.
  virtual Result<void> put_file(const std::string& bucket, const std::string& key, int fd, std::uint64_t length,
                                const Tap& tap) = 0;
  // At most `limit` bytes: a larger object is Kind::invalid.
  virtual Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) = 0;
  // Writes the object's bytes to `fd`.
  virtual Result<std::uint64_t> get_file(const std::string& bucket, const std::string& key, int fd, const Tap& tap) = 0;
  virtual Result<ObjectInfo> head(const std::string& bucket, const std::string& key) = 0;
  // Up to `limit` keys (at most 1000) that begin with `prefix` and sort after `start_after`.
  virtual Result<ListPage> list(const std::string& bucket, const std::string& prefix, const std::string& start_after,
                                std::size_t limit) = 0;
  // Within one bucket, without moving bytes through us. Later changes of one are not seen through the other.
  virtual Result<void> copy(const std::string& bucket, const std::string& from, const std::string& to) = 0;
  // No error when there is nothing to delete.
  virtual Result<void> remove(const std::string& bucket, const std::string& key) = 0;
  virtual Result<bool> bucket_exists(const std::string& bucket) = 0;
  virtual Result<void> create_bucket(const std::string& bucket) = 0;
  virtual Result<std::vector<ObjectInfo>> buckets() = 0;  // key: the name, modified: when it was made
};

}  // namespace holdfast::ports
