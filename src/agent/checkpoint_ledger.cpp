#include "agent/checkpoint_ledger.hpp"

#include <iterator>
#include <limits>

namespace holdfast::agent {
namespace {

using checkpoint::Ledger;
using checkpoint::Manifest;

constexpr std::size_t kPage = 1000;
constexpr std::size_t kMaxLedgerKeys = 100'000;
constexpr std::size_t kMaxDataObjects = 2'000'000;
// Of uploads of which nobody knows whose they are.
constexpr Duration kUploadsLast = hours{24};

}  // namespace

CheckpointPlace checkpoint_place(const ports::S3Location& location) {
  return {location.bucket, ports::folder_prefix(location)};
}

Result<std::size_t> abort_dead_uploads(ports::ObjectStore& store, const CheckpointPlace& place, Fence first_alive,
                                       Instant now) {
  const auto own = place.own_key("");
  return store.abort_uploads(place.bucket, place.prefix, [&](const std::string& key, Instant begun) {
    if (now - begun > kUploadsLast) return true;
    if (!key.starts_with(own)) return false;
    const auto data = checkpoint::parse_data_name(std::string_view(key).substr(own.size()));
    return data && data->fence < first_alive;
  });
}

Result<Ledger> LedgerStore::read(std::optional<Fence> leave_out) {
  auto ledger = read_names();
  if (!ledger) return ledger;
  if (leave_out) ledger->anew.erase(*leave_out);
  if (auto read = read_bases(*ledger); !read) return fail(read.error());
  return ledger;
}

Result<Ledger> LedgerStore::read_names() {
  Ledger ledger;
  const auto own = place_.own_key("").size();
  const auto entries = list_all(store_, place_.bucket, place_.own_key(checkpoint::kLedgerFolder), kMaxLedgerKeys);
  if (!entries) return fail(entries.error());
  for (const auto& object : *entries) {
    const auto name = std::string_view(object.key).substr(own);
    if (const auto id = checkpoint::parse_manifest_name(name)) ledger.entries.insert(*id);
    if (const auto id = checkpoint::parse_verified_name(name)) ledger.verified.insert(*id);
    if (const auto fence = checkpoint::parse_anew_name(name)) ledger.anew.insert(*fence);
  }
  const auto marks = list_all(store_, place_.bucket, place_.own_key("quarantine/"), kMaxLedgerKeys);
  if (!marks) return fail(marks.error());
  for (const auto& object : *marks) {
    if (const auto id = checkpoint::parse_quarantine_name(object.key.substr(own))) ledger.quarantined.insert(*id);
  }
  std::erase_if(known_, [&](const auto& one) { return !ledger.entries.contains(one.first); });
  return ledger;
}

// Only of the attempts that a restore goes back to, and of the newest: others may be many, and do not matter.
Result<void> LedgerStore::read_bases(Ledger& ledger) {
  auto next = ledger.entries.end();
  while (next != ledger.entries.begin()) {
    const auto fence = std::prev(next)->fence;
    next = ledger.entries.lower_bound(GenerationId{fence, 0});
    const bool started = ledger.has_started(fence);
    if (!started && fence != ledger.newest_fence()) continue;
    if (auto read = read_base(fence, ledger); !read) return read;
    if (!started) continue;
    const auto base = ledger.based_on.find(fence);
    if (base == ledger.based_on.end()) continue;
    if (!base->second) return {};
    if (base->second->fence < fence) next = ledger.entries.upper_bound(*base->second);
  }
  return {};
}

// Every manifest of an attempt says what it is based on, so a damaged opening is no loss once there is a generation.
// The newest is asked first: an opening is written again while the attempt still chooses, and the put of an earlier
// choice that was given up may take effect last.
Result<void> LedgerStore::read_base(Fence fence, Ledger& ledger) {
  if (ledger.anew.contains(fence) && !ledger.has_generations_of(fence)) {
    ledger.based_on[fence] = std::nullopt;
    return {};
  }
  for (auto id = ledger.entries.upper_bound({fence, std::numeric_limits<std::uint64_t>::max()});
       id != ledger.entries.begin() && std::prev(id)->fence == fence;) {
    const auto manifest = read_manifest(*--id);
    if (!manifest && manifest.error().kind == Kind::not_found) continue;
    if (!manifest) return fail(manifest.error());
    if (!*manifest) continue;
    ledger.based_on[fence] = (*manifest)->based_on;
    return {};
  }
  return {};
}

Result<std::optional<Fence>> LedgerStore::newer_fence(Fence own) {
  constexpr auto kLast = std::numeric_limits<std::uint64_t>::max();
  const auto page = store_.list(place_.bucket, place_.own_key("ledger/"),
                                place_.own_key(checkpoint::manifest_name({own, kLast})), kPage);
  if (!page) return fail(page.error());
  for (const auto& object : page->objects) {
    const auto id = checkpoint::parse_manifest_name(object.key.substr(place_.own_key("").size()));
    if (id && id->fence > own) return std::optional{id->fence};
  }
  return std::optional<Fence>{};
}

Result<std::optional<Manifest>> LedgerStore::read_manifest(GenerationId id) {
  if (const auto known = known_.find(id); known != known_.end()) return std::optional{known->second};
  // A second reading tells damage in the store from damage on the way.
  for (int reading = 0; reading < 2; ++reading) {
    const auto bytes =
        store_.get_bytes(place_.bucket, place_.own_key(checkpoint::manifest_name(id)), checkpoint::kMaxManifestBytes);
    if (!bytes && bytes.error().kind != Kind::invalid) return fail(bytes.error());
    if (!bytes) return std::optional<Manifest>{};
    auto manifest = checkpoint::decode(*bytes);
    if (!manifest || manifest->id != id) continue;
    known_[id] = *manifest;
    return std::optional{std::move(*manifest)};
  }
  return std::optional<Manifest>{};
}

Result<void> LedgerStore::put_manifest(const Manifest& manifest) {
  known_.erase(manifest.id);
  auto put = store_.put_bytes(place_.bucket, place_.own_key(checkpoint::manifest_name(manifest.id)),
                              checkpoint::encode(manifest));
  if (put) known_[manifest.id] = manifest;
  return put;
}

Result<void> LedgerStore::put_anew(Fence fence) {
  return store_.put_bytes(place_.bucket, place_.own_key(checkpoint::anew_name(fence)),
                          "the program of this attempt was started without a generation\n");
}

Result<void> LedgerStore::quarantine(GenerationId id, const std::string& why) {
  return store_.put_bytes(place_.bucket, place_.own_key(checkpoint::quarantine_name(id)), why);
}

Result<std::map<checkpoint::DataObject, std::uint64_t>> LedgerStore::data_objects() {
  std::map<checkpoint::DataObject, std::uint64_t> found;
  const auto objects = list_all(store_, place_.bucket, place_.own_key("data/"), kMaxDataObjects);
  if (!objects) return fail(objects.error());
  for (const auto& object : *objects) {
    if (const auto name = checkpoint::parse_data_name(object.key.substr(place_.own_key("").size()))) {
      found[*name] = object.size;
    }
  }
  return found;
}

}  // namespace holdfast::agent
