// An object store in memory, as strict as the port says.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>

#include "ports/object_store.hpp"

namespace holdfast::testing {

class MemoryObjects final : public ports::ObjectStore {
 public:
  Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (!buckets_.contains(bucket)) return missing();
    buckets_[bucket][key] = std::string(bytes);
    return {};
  }
  Result<void> put(const std::string& bucket, const std::string& key, ports::Source& source) override {
    std::string bytes(source.size(), '\0');
    if (auto read = source.read(0, bytes); !read) return read;
    return put_bytes(bucket, key, bytes);
  }
  Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t) override {
    const std::lock_guard lock(mutex_);
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end() || !found->second.contains(key)) return missing();
    return found->second[key];
  }
  Result<std::uint64_t> get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                            std::uint64_t length, const Sink& sink) override {
    const auto bytes = get_bytes(bucket, key, 0);
    if (!bytes) return fail(bytes.error());
    const auto part = offset < bytes->size() ? bytes->substr(offset, length) : std::string{};
    if (auto taken = part.empty() ? Result<void>{} : sink(part); !taken) return fail(taken.error());
    return part.size();
  }
  Result<ports::ObjectInfo> head(const std::string& bucket, const std::string& key) override {
    const auto bytes = get_bytes(bucket, key, 0);
    if (!bytes) return fail(bytes.error());
    return ports::ObjectInfo{key, bytes->size(), etag_of(*bytes), from_ms(1'700'000'000'000)};
  }
  Result<ports::ListPage> list(const std::string& bucket, const std::string& prefix, const std::string& start_after,
                               std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return missing();
    ports::ListPage page;
    for (auto it = found->second.upper_bound(start_after); it != found->second.end(); ++it) {
      if (!it->first.starts_with(prefix)) continue;
      page.truncated = page.objects.size() == std::min(limit, page_size);
      if (page.truncated) break;
      page.objects.push_back({it->first, it->second.size(), etag_of(it->second), from_ms(1'700'000'000'000)});
    }
    return page;
  }
  Result<void> copy(const std::string& bucket, const std::string& from, const std::string& to) override {
    const auto bytes = get_bytes(bucket, from, 0);
    if (!bytes) return fail(bytes.error());
    return put_bytes(bucket, to, *bytes);
  }
  Result<void> remove(const std::string& bucket, const std::string& key) override {
    const std::lock_guard lock(mutex_);
    if (!buckets_.contains(bucket)) return missing();
    buckets_[bucket].erase(key);
    return {};
  }
  Result<bool> bucket_exists(const std::string& bucket) override {
    const std::lock_guard lock(mutex_);
    return buckets_.contains(bucket);
  }
  Result<void> create_bucket(const std::string& bucket) override {
    const std::lock_guard lock(mutex_);
    buckets_.try_emplace(bucket);
    return {};
  }
  Result<std::vector<ports::ObjectInfo>> buckets() override {
    const std::lock_guard lock(mutex_);
    std::vector<ports::ObjectInfo> all;
    for (const auto& [name, keys] : buckets_) all.push_back({name, 0, "", from_ms(0)});
    return all;
  }

  std::size_t page_size = 1000;  // smaller ones show what happens between pages

 private:
  static tl::unexpected<Error> missing() { return fail(Kind::not_found, "no such bucket or key"); }
  static std::string etag_of(const std::string& bytes) { return "size-" + std::to_string(bytes.size()); }

  std::mutex mutex_;
  std::map<std::string, std::map<std::string, std::string>> buckets_;
};

}  // namespace holdfast::testing
