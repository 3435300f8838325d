// Objects under keys, as S3 has them: a put is atomic, a get sees the last put, keys sort by byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
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
// What the keys of all that lies below begin with: empty, or ends with '/'.
std::string folder_prefix(const S3Location& location);

constexpr std::size_t kSourceBlock = 1u << 20;

// What is put: bytes that can be read more than once, and from several threads at once.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::uint64_t size() const = 0;
  // The bytes from `offset` on, exactly into.size() of them. A store reads each byte at least once, in pieces that
  // begin at multiples of kSourceBlock and end at such or at the end; again where it sends again. Kind::conflict: they
  // are gone, or not what they were: then nothing is stored.
  virtual Result<void> read(std::uint64_t offset, std::span<char> into) = 0;
};

constexpr std::uint64_t kToTheEnd = std::numeric_limits<std::uint64_t>::max();

// Blocking; called from worker threads. Every method may be retried. Kind::not_found: no such bucket or key;
// Kind::try_again: the store is busy or away.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Takes each block of an object, in order. An error ends the reading.
  using Sink = std::function<Result<void>(std::string_view block)>;

  virtual Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) = 0;
  virtual Result<void> put(const std::string& bucket, const std::string& key, Source& source) = 0;
  // At most `limit` bytes: a larger object is Kind::invalid.
  virtual Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) = 0;
  // The bytes from `offset` on, `length` of them or as many as there are; returns how many. What came before an error
  // may have reached the sink. The sink must not call the store: it holds one of its connections.
  virtual Result<std::uint64_t> get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                                    std::uint64_t length, const Sink& sink) = 0;
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
  // Of an upload to `key`, begun then and not completed: nobody will.
  using IsDead = std::function<bool(const std::string& key, Instant begun)>;
  // What was begun below `prefix` and is dead, left behind by processes that died: nobody sees it, but it is paid for.
  // Removes it, and returns how many uploads that were. Stores that leave nothing behind have none.
  virtual Result<std::size_t> abort_uploads(const std::string& bucket, const std::string& prefix,
                                            const IsDead& is_dead) {
    static_cast<void>(bucket), static_cast<void>(prefix), static_cast<void>(is_dead);
    return std::size_t{0};
  }
};

// All objects under `prefix`; more than `limit` of them is Kind::invalid.
Result<std::vector<ObjectInfo>> list_all(ObjectStore& store, const std::string& bucket, const std::string& prefix,
                                         std::size_t limit);

}  // namespace holdfast::ports
