// Objects on their way to S3: small ones in one request, larger ones in parts, several at once.
//
// Resuming: a put that failed for the network's sake keeps its parts, and the next put of the same key and size, in the
// same process, reads the source again and sends only those whose checksum is not there yet. After a crash nothing is
// resumed: every attempt writes under names of its own, so what a dead one has left behind is only ever aborted.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "objects/s3_buffers.hpp"
#include "objects/s3_requests.hpp"
#include "objects/s3_workers.hpp"
#include "ports/object_store.hpp"

namespace holdfast::objects {

constexpr std::uint64_t kMaxParts = 10'000;
constexpr std::uint64_t kMaxPartSize = 5ull << 30;
constexpr std::size_t kMaxUnfinished = 32;  // uploads that are kept for another try

// Whole MiB, at least `preferred`, and so large that kMaxParts of them hold `size`.
std::uint64_t part_size_for(std::uint64_t size, std::uint64_t preferred);

// Of an answer to HEAD or GET.
ports::ObjectInfo info_of(const std::string& key, const http::Response& answer);

class S3Uploads {
 public:
  S3Uploads(const S3Options& options, S3Requests& requests, Workers& workers);

  Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes);
  Result<void> put(const std::string& bucket, const std::string& key, ports::Source& source);
  // From another object of the bucket, of any size, by the server.
  Result<void> copy(const std::string& bucket, const std::string& from, const std::string& to);
  // Aborts what was begun below `prefix`, is dead, and is not ours; how many there were.
  Result<std::size_t> abort_dead(const std::string& bucket, const std::string& prefix,
                                 const ports::ObjectStore::IsDead& is_dead);

 private:
  struct Part {
    std::string etag;
    std::optional<std::uint32_t> crc;
  };
  struct Upload {
    std::string id;
    std::string mark;  // metadata that tells our object from another one of the same name
    std::uint64_t size = 0, part_size = 0;
    std::vector<Part> parts;  // by number less 1; without an ETag: not there yet
    std::uint64_t length_of(std::size_t index) const;
  };
  struct Target {
    const std::string& bucket;
    const std::string& key;
    std::string uri() const;
  };

  void say_encryption(http::Headers& headers) const;
  S3Request part_request(const Target& target, const Upload& upload, std::size_t index) const;
  Result<void> put_whole(const Target& target, std::string_view bytes, std::uint32_t crc);
  Result<void> put_in_parts(const Target& target, ports::Source& source);
  Result<void> put_part(const Target& target, Upload& upload, std::size_t index, ports::Source& source);
  Result<void> stream_part(const Target& target, Upload& upload, std::size_t index, ports::Source& source);
  // Sent again where the answer's checksum is not that of what was sent.
  Result<http::Response> send_checked(const S3Request& request);
  Result<void> send_part(const Target& target, Upload& upload, std::size_t index, S3Request request);
  Result<Upload> begin(const Target& target, std::uint64_t size, std::uint64_t part_size, bool checksums);
  Result<void> complete(const Target& target, const Upload& upload);
  Result<bool> is_there(const Target& target, const Upload& upload);
  void abort(const Target& target, const std::string& id);
  Result<void> copy_in_parts(const Target& target, const std::string& from, const ports::ObjectInfo& source);
  Result<ports::ObjectInfo> head_of(const Target& target);

  bool is_ours(const std::string& id);
  void forget(const std::string& id);
  std::optional<Upload> take_unfinished(const Target& target, std::uint64_t size);
  void keep_unfinished(const Target& target, Upload upload);

  const S3Options& options_;
  S3Requests& requests_;
  Workers& workers_;
  std::size_t buffer_size_;
  BufferPool buffers_;
  std::mutex mutex_;
  std::map<std::string, Upload> unfinished_;  // by URI
  std::set<std::string> open_;                // ids of uploads that are under way or kept
};

}  // namespace holdfast::objects
