// The stores that bench/checkpoint_transfer moves checkpoints to, and one that notes when a manifest arrived.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "ports/object_store.hpp"
#include "support/store_at.hpp"

namespace holdfast::bench {

// Passes everything on. With the manifest a generation is safe, whatever is still brought into line afterwards.
class TimedStore final : public ports::ObjectStore {
 public:
  explicit TimedStore(ports::ObjectStore& real) : real_(real) {}

  void restart() {
    begun_ = std::chrono::steady_clock::now();
    manifest_at_ = 0;
  }
  // Seconds from the beginning to the newest manifest's arrival.
  double manifest_at() const { return manifest_at_; }

  Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) override {
    auto put = real_.put_bytes(bucket, key, bytes);
    if (key.find("/ledger/") != std::string::npos) {
      manifest_at_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
    }
    return put;
  }
  Result<void> put(const std::string& bucket, const std::string& key, ports::Source& source) override {
    return real_.put(bucket, key, source);
  }
  Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) override {
    return real_.get_bytes(bucket, key, limit);
  }
  Result<std::uint64_t> get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                            std::uint64_t length, const Sink& sink) override {
    return real_.get(bucket, key, offset, length, sink);
  }
  Result<ports::ObjectInfo> head(const std::string& bucket, const std::string& key) override {
    return real_.head(bucket, key);
  }
  Result<ports::ListPage> list(const std::string& bucket, const std::string& prefix, const std::string& start_after,
                               std::size_t limit) override {
    return real_.list(bucket, prefix, start_after, limit);
  }
  Result<void> copy(const std::string& bucket, const std::string& from, const std::string& to) override {
    return real_.copy(bucket, from, to);
  }
  Result<void> remove(const std::string& bucket, const std::string& key) override { return real_.remove(bucket, key); }
  Result<bool> bucket_exists(const std::string& bucket) override { return real_.bucket_exists(bucket); }
  Result<void> create_bucket(const std::string& bucket) override { return real_.create_bucket(bucket); }
  Result<std::vector<ports::ObjectInfo>> buckets() override { return real_.buckets(); }

 private:
  ports::ObjectStore& real_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  double manifest_at_ = 0;
};

struct Place {
  std::unique_ptr<ports::ObjectStore> objects;
  ports::S3Location location{"bench", "ck"};
};

// "http://HOST:PORT/BUCKET/PREFIX", or a directory, in which it is "bench" and "ck".
inline Result<Place> open_place(const std::string& text) {
  Place place;
  auto address = text;
  if (text.starts_with("http://")) {
    const auto bucket = text.find('/', 7), prefix = text.find('/', bucket + 1);
    if (bucket == std::string::npos || prefix == std::string::npos) return fail(Kind::invalid, "{}: no bucket", text);
    place.location = {text.substr(bucket + 1, prefix - bucket - 1), text.substr(prefix + 1)};
    address = text.substr(0, bucket);
  }
  auto store = testing::store_at(address, place.location.bucket);
  if (!store) return fail(store.error());
  place.objects = std::move(*store);
  return place;
}

}  // namespace holdfast::bench
