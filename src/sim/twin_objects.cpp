#include "sim/twin_objects.hpp"

#include <algorithm>

namespace holdfast::sim {
namespace {

constexpr std::size_t kPage = 1000;
constexpr Duration kTimeoutMost = seconds{60};

ports::ObjectInfo info_of(const std::string& key, const ObjectShelf::Object& object) {
  return {key, object.bytes.size(), object.etag, object.modified};
}

}  // namespace

// ---- the line

void TwinObjects::take_time() {
  if (!process_) return;
  process_->check();
  Duration time = dice_.between(faults_.latency / 2, faults_.latency);
  if (dice_.chance(faults_.slow)) time += dice_.between(Duration{0}, faults_.slow_at_most);
  process_->pass(time);
}

Result<void> TwinObjects::go(const char* what, const std::string& key) {
  take_time();
  if (process_ && shelf_.away()) return fail(Kind::try_again, "{} {}: 503 Service Unavailable", what, key);
  if (dice_.chance(faults_.store_refuses)) return fail(Kind::try_again, "{} {}: 503 SlowDown", what, key);
  return {};
}

Result<void> TwinObjects::come_back(const char* what, const std::string& key) {
  if (process_) process_->check();
  if (dice_.chance(faults_.ack_lost)) {
    take_time();
    return fail(Kind::try_again, "{} {}: the connection broke", what, key);
  }
  return {};
}

Result<std::map<std::string, ObjectShelf::Object>*> TwinObjects::open(const std::string& bucket) {
  auto* objects = shelf_.bucket(bucket);
  if (!objects) return fail(Kind::not_found, "s3://{}: no such bucket", bucket);
  return objects;
}

// ---- writing

Result<void> TwinObjects::put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) {
  if (auto gone = go("storing", key); !gone) return gone;
  if (auto there = open(bucket); !there) return fail(there.error());
  const bool damages = process_ && dice_.chance(faults_.damaged_when_restored);
  if (process_ && dice_.chance(faults_.put_late)) {
    if (damages) shelf_.damage_restored(bucket, key, bytes);
    shelf_.put_later(dice_.between(Duration{1}, faults_.put_late_at_most), bucket, key, std::string(bytes), by_);
    // Whoever waits for it may not live so long.
    process_->pass(dice_.between(Duration{1}, kTimeoutMost));
    return fail(Kind::try_again, "storing {}: timed out", key);
  }
  shelf_.put(bucket, key, std::string(bytes), by_);
  if (damages) shelf_.damage_restored(bucket, key, bytes);
  return come_back("storing", key);
}

Result<void> TwinObjects::put(const std::string& bucket, const std::string& key, ports::Source& source) {
  if (auto gone = go("storing", key); !gone) return gone;
  if (auto there = open(bucket); !there) return fail(there.error());
  // Time passes before it is read and after: the file may change under the upload.
  std::string bytes(source.size(), '\0');
  take_time();
  if (auto read = source.read(0, bytes); !read) return read;
  if (process_ && dice_.chance(faults_.upload_lasts)) process_->pass(dice_.between(Duration{1}, faults_.slow_at_most));
  if (dice_.chance(faults_.upload_cut)) return fail(Kind::try_again, "storing {}: the connection broke", key);
  shelf_.put(bucket, key, std::move(bytes), by_);
  return come_back("storing", key);
}

Result<void> TwinObjects::copy(const std::string& bucket, const std::string& from, const std::string& to) {
  if (auto gone = go("copying", from); !gone) return gone;
  auto there = open(bucket);
  if (!there) return fail(there.error());
  const auto found = (*there)->find(from);
  if (found == (*there)->end()) return fail(Kind::not_found, "copying {}: no such object", from);
  shelf_.put(bucket, to, found->second.bytes, by_);
  return come_back("copying", from);
}

Result<void> TwinObjects::remove(const std::string& bucket, const std::string& key) {
  if (auto gone = go("removing", key); !gone) return gone;
  if (process_ && dice_.chance(faults_.remove_refused)) return fail(Kind::try_again, "removing {}: 503 SlowDown", key);
  if (auto there = open(bucket); !there) return fail(there.error());
  shelf_.remove(bucket, key);
  return come_back("removing", key);
}

Result<void> TwinObjects::create_bucket(const std::string& bucket) {
  shelf_.create_bucket(bucket);
  return {};
}

// ---- reading

Result<std::string> TwinObjects::read(const char* what, const std::string& bucket, const std::string& key) {
  if (auto gone = go(what, key); !gone) return fail(gone.error());
  auto there = open(bucket);
  if (!there) return fail(there.error());
  const auto found = (*there)->find(key);
  if (found == (*there)->end()) return fail(Kind::not_found, "{} {}: no such object", what, key);
  return found->second.bytes;
}

Result<std::string> TwinObjects::get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) {
  auto bytes = read("reading", bucket, key);
  if (bytes && bytes->size() > limit) return fail(Kind::invalid, "reading {}: more than {} bytes", key, limit);
  return bytes;
}

Result<std::uint64_t> TwinObjects::get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                                       std::uint64_t length, const Sink& sink) {
  auto bytes = read("reading", bucket, key);
  if (!bytes) return fail(bytes.error());
  if (dice_.chance(faults_.upload_cut)) return fail(Kind::try_again, "reading {}: the connection broke", key);
  const auto part = offset < bytes->size() ? bytes->substr(offset, length) : std::string{};
  if (auto taken = part.empty() ? Result<void>{} : sink(part); !taken) return fail(taken.error());
  return part.size();
}

Result<ports::ObjectInfo> TwinObjects::head(const std::string& bucket, const std::string& key) {
  if (auto gone = go("looking for", key); !gone) return fail(gone.error());
  auto there = open(bucket);
  if (!there) return fail(there.error());
  const auto found = (*there)->find(key);
  if (found == (*there)->end()) return fail(Kind::not_found, "looking for {}: no such object", key);
  return info_of(key, found->second);
}

Result<ports::ListPage> TwinObjects::list(const std::string& bucket, const std::string& prefix,
                                          const std::string& start_after, std::size_t limit) {
  if (auto gone = go("listing", prefix); !gone) return fail(gone.error());
  auto there = open(bucket);
  if (!there) return fail(there.error());
  ports::ListPage page;
  limit = std::min(limit, kPage);
  if (dice_.chance(faults_.short_page)) limit = 1 + dice_.below(std::min<std::size_t>(limit, 3));
  auto next = start_after >= prefix ? (*there)->upper_bound(start_after) : (*there)->lower_bound(prefix);
  for (; next != (*there)->end() && next->first.starts_with(prefix); ++next) {
    if (page.objects.size() == limit) {
      page.truncated = true;
      break;
    }
    page.objects.push_back(info_of(next->first, next->second));
  }
  return page;
}

Result<bool> TwinObjects::bucket_exists(const std::string& bucket) {
  if (auto gone = go("looking for", bucket); !gone) return fail(gone.error());
  return shelf_.bucket(bucket) != nullptr;
}

Result<std::vector<ports::ObjectInfo>> TwinObjects::buckets() {
  return fail(Kind::permanent, "nobody in the simulation asks for all buckets");
}

}  // namespace holdfast::sim
