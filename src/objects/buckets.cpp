#include "objects/buckets.hpp"

#include <algorithm>

#include "objects/get_version.hpp"

namespace holdfast::objects {

Buckets::Buckets(ports::ObjectStore& embedded, std::vector<BucketPlace> places, Opener open, News news)
    : embedded_(embedded), open_(std::move(open)), news_(std::move(news)) {
  for (auto& place : places) entries_.push_back({std::move(place), nullptr});
}

// ---- which store

// With the lock held. Stores that are still named stay open.
void Buckets::refresh() {
  auto changed = news_ ? news_() : std::nullopt;
  if (!changed) return;
  std::vector<Entry> entries;
  for (auto& place : *changed) {
    const auto known = std::ranges::find_if(
        entries_, [&](const Entry& entry) { return entry.store && same_store(entry.place, place); });
    auto store = known == entries_.end() ? nullptr : known->store;
    entries.push_back({std::move(place), std::move(store)});
  }
  entries_ = std::move(entries);
}

std::vector<BucketPlace> Buckets::places() {
  const std::lock_guard lock(mutex_);
  refresh();
  std::vector<BucketPlace> places;
  for (const auto& entry : entries_) places.push_back(entry.place);
  return places;
}

std::optional<BucketPlace> Buckets::place_of(const std::string& bucket) {
  const std::lock_guard lock(mutex_);
  refresh();
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.place.bucket == bucket; });
  return found == entries_.end() ? std::nullopt : std::optional(found->place);
}

Result<Buckets::Store> Buckets::open(const BucketPlace& place) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : entries_) {
      if (entry.store && same_store(entry.place, place)) return entry.store;
    }
  }
  // Outside the lock, as it may ask somebody far away. Two that open the same at once is rare, and one is dropped.
  auto opened = open_(place);
  if (!opened) return fail(opened.error());
  Store store = std::move(*opened);
  const std::lock_guard lock(mutex_);
  for (auto& entry : entries_) {
    if (!same_store(entry.place, place)) continue;
    if (!entry.store) entry.store = store;
    store = entry.store;
  }
  return store;
}

Result<Buckets::Store> Buckets::store_of(const std::string& bucket) {
  const Store embedded(&embedded_, [](ports::ObjectStore*) {});
  if (const auto place = place_of(bucket)) return open(*place);
  const auto others = place_of(std::string(kEveryOtherBucket));
  if (!others) return embedded;
  const auto here = embedded_.bucket_exists(bucket);
  if (!here) return fail(here.error());
  return *here ? embedded : open(*others);
}

Result<std::optional<BucketPlace>> Buckets::elsewhere(const std::string& bucket) {
  if (auto place = place_of(bucket)) return place;
  auto others = place_of(std::string(kEveryOtherBucket));
  if (!others) return std::optional<BucketPlace>{};
  const auto here = embedded_.bucket_exists(bucket);
  if (!here) return fail(here.error());
  if (*here) return std::optional<BucketPlace>{};
  const auto store = open(*others);
  if (!store) return fail(store.error());
  const auto there = (*store)->bucket_exists(bucket);
  if (!there) return fail(there.error());
  return *there ? std::move(others) : std::nullopt;
}

// ---- buckets

Result<bool> Buckets::bucket_exists(const std::string& bucket) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  const auto exists = (*store)->bucket_exists(bucket);
  const auto place = place_of(bucket);
  if (exists && !*exists && place && place->is_directory())
    return fail(Kind::try_again, "bucket {}: there is no folder {} in {}: is that mounted?", bucket, bucket,
                place->directory);
  return exists;
}

Result<void> Buckets::create_bucket(const std::string& bucket) {
  const auto place = place_of(bucket);
  if (!place) return embedded_.create_bucket(bucket);
  const auto store = open(*place);
  if (!store) return fail(store.error());
  return (*store)->create_bucket(bucket);
}

Result<std::vector<ports::ObjectInfo>> Buckets::buckets() {
  auto all = embedded_.buckets();
  if (!all) return all;
  for (const auto& place : places()) {
    std::erase_if(*all, [&](const auto& bucket) { return bucket.key == place.bucket; });
    if (place.bucket != kEveryOtherBucket) all->push_back({.key = place.bucket, .etag = "", .modified = {}});
  }
  std::ranges::sort(*all, {}, &ports::ObjectInfo::key);
  return all;
}

// ---- objects

Result<void> Buckets::put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  return (*store)->put_bytes(bucket, key, bytes);
}

Result<void> Buckets::put(const std::string& bucket, const std::string& key, ports::Source& source) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  return (*store)->put(bucket, key, source);
}

Result<std::string> Buckets::get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  return (*store)->get_bytes(bucket, key, limit);
}

Result<std::uint64_t> Buckets::get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                                   std::uint64_t length, const Sink& sink) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  return (*store)->get(bucket, key, offset, length, sink);
}

Result<std::uint64_t> Buckets::get_version(const std::string& bucket, const std::string& key,
                                           const std::string& version, std::uint64_t offset, std::uint64_t length,
                                           const Sink& sink) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  return objects::get_version(**store, bucket, key, version, offset, length, sink);
}

Result<ports::ObjectInfo> Buckets::head(const std::string& bucket, const std::string& key) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  return (*store)->head(bucket, key);
}

Result<ports::ListPage> Buckets::list(const std::string& bucket, const std::string& prefix,
                                      const std::string& start_after, std::size_t limit) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  return (*store)->list(bucket, prefix, start_after, limit);
}

Result<void> Buckets::copy(const std::string& bucket, const std::string& from, const std::string& to) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  return (*store)->copy(bucket, from, to);
}

Result<void> Buckets::remove(const std::string& bucket, const std::string& key) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  return (*store)->remove(bucket, key);
}

Result<std::size_t> Buckets::abort_uploads(const std::string& bucket, const std::string& prefix,
                                           const IsDead& is_dead) {
  const auto store = store_of(bucket);
  if (!store) return fail(store.error());
  return (*store)->abort_uploads(bucket, prefix, is_dead);
}

}  // namespace holdfast::objects
