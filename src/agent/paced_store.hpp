// An object store whose puts are counted and, where that is wanted, held to a rate: an upload must not take the link
// from the program that it saves. Everything but puts goes through as it is.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "agent/tasks.hpp"
#include "ports/object_store.hpp"

namespace holdfast::agent {

// Tokens for `rate` bytes a second, of which at most a quarter of a second's worth is saved up. Thread-safe.
class TokenBucket {
 public:
  explicit TokenBucket(std::uint64_t bytes_per_second, Instant now);
  // Takes the tokens at once and says how long to wait for them: a reader that waits so keeps to the rate, however
  // large its pieces.
  Duration take(std::uint64_t bytes, Instant now);

 private:
  const std::uint64_t rate_;
  std::mutex mutex_;
  Instant paid_until_;  // all that was taken is earned by then
};

class PacedStore final : public ports::ObjectStore {
 public:
  // `bytes_per_second` 0: no limit. The parts must outlive it.
  PacedStore(ports::ObjectStore& store, Clock& clock, Tasks& tasks, std::uint64_t bytes_per_second);

  // From now on there is no limit, also for the uploads under way. From any thread.
  void lift() { lifted_ = true; }

  struct Sent {
    std::uint64_t bytes = 0;  // put, or read from sources: again where something was sent again
    Duration busy{0};         // the time in which at least one put was under way
  };
  Sent sent() const;

  Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) override;
  Result<void> put(const std::string& bucket, const std::string& key, ports::Source& source) override;
  Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) override {
    return store_.get_bytes(bucket, key, limit);
  }
  Result<std::uint64_t> get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                            std::uint64_t length, const Sink& sink) override {
    return store_.get(bucket, key, offset, length, sink);
  }
  Result<ports::ObjectInfo> head(const std::string& bucket, const std::string& key) override {
    return store_.head(bucket, key);
  }
  Result<ports::ListPage> list(const std::string& bucket, const std::string& prefix, const std::string& start_after,
                               std::size_t limit) override {
    return store_.list(bucket, prefix, start_after, limit);
  }
  Result<void> copy(const std::string& bucket, const std::string& from, const std::string& to) override {
    return store_.copy(bucket, from, to);
  }
  Result<void> remove(const std::string& bucket, const std::string& key) override { return store_.remove(bucket, key); }
  Result<bool> bucket_exists(const std::string& bucket) override { return store_.bucket_exists(bucket); }
  Result<void> create_bucket(const std::string& bucket) override { return store_.create_bucket(bucket); }
  Result<std::vector<ports::ObjectInfo>> buckets() override { return store_.buckets(); }
  Result<std::size_t> abort_uploads(const std::string& bucket, const std::string& prefix,
                                    const IsDead& is_dead) override {
    return store_.abort_uploads(bucket, prefix, is_dead);
  }

 private:
  class PacedSource;
  void wait_for_turn(std::uint64_t bytes);
  template <class Put>
  Result<void> timed(const Put& put);

  ports::ObjectStore& store_;
  Clock& clock_;
  Tasks& tasks_;
  const std::uint64_t rate_;
  TokenBucket tokens_;
  std::atomic<bool> lifted_ = false;
  std::atomic<std::uint64_t> bytes_ = 0;

  mutable std::mutex mutex_;  // for what follows; held for no call of the store
  int under_way_ = 0;
  Instant busy_since_;
  Duration busy_{0};
};

}  // namespace holdfast::agent
