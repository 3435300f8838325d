#include <algorithm>
#include <functional>

#include "checkpoint/hash.hpp"
#include "checkpoint/ledger.hpp"
#include "sim/content.hpp"
#include "sim/twin_objects.hpp"

namespace holdfast::sim {
namespace {

constexpr std::string_view kOwn = ".holdfast/";

}  // namespace

std::map<std::string, ObjectShelf::Object>* ObjectShelf::bucket(const std::string& name) {
  const auto found = buckets_.find(name);
  return found == buckets_.end() ? nullptr : &found->second;
}

std::optional<ObjectShelf::Own> ObjectShelf::own_of(const std::string& bucket, const std::string& key) const {
  const auto at = key.find(kOwn);
  if (at == std::string::npos) return std::nullopt;
  const auto job = places_.find(bucket + "/" + key.substr(0, at));
  if (job == places_.end()) return std::nullopt;
  return Own{job->second, key.substr(0, at + kOwn.size()), key.substr(at + kOwn.size())};
}

void ObjectShelf::put(const std::string& bucket, const std::string& key, std::string bytes, std::optional<Fence> by,
                      bool late) {
  const auto own = own_of(bucket, key);
  damaged_.erase(key);
  auto& object = buckets_[bucket][key];
  object.etag = checkpoint::hash_of(bytes);
  object.bytes = std::move(bytes);
  object.modified = scheduler_.now();
  if (!own) return;
  if (checkpoint::parse_manifest_name(own->name)) record_manifest(bucket, *own, object.bytes, late);
  if (const auto fence = checkpoint::parse_anew_name(own->name))
    recorder_.record({scheduler_.now(), BeganAnew{own->job, *fence}});
  if (const auto marked = checkpoint::parse_quarantine_name(own->name)) {
    recorder_.record({scheduler_.now(), Quarantined{own->job, by.value_or(Fence{}), *marked}});
  }
}

void ObjectShelf::record_manifest(const std::string& bucket, const Own& own, const std::string& bytes, bool late) {
  const auto manifest = checkpoint::decode(bytes);
  if (!manifest) return;
  const auto& id = manifest->id;
  if (id.sequence == 0) {
    based_on_[id.fence] = manifest->based_on;
    return recorder_.record({scheduler_.now(), AttemptOpened{own.job, id.fence, manifest->based_on, late}});
  }
  // Whatever opening arrives last: its own generations say what it went on from, the newest before all.
  auto& newest = newest_[id.fence];
  newest = std::max(newest, {id.sequence, manifest->based_on});
  GenerationStored stored{own.job, id.fence, id.sequence, true, std::nullopt, manifest->based_on};
  std::map<std::string, std::string> contents;
  for (const auto& file : manifest->files) {
    const auto found = buckets_[bucket].find(own.place + file.object);
    const bool there = found != buckets_[bucket].end() && checkpoint::fits(file, found->second.bytes.size());
    const auto part =
        there ? std::optional{found->second.bytes.substr(file.offset.value_or(0), file.size)} : std::nullopt;
    if (!part || checkpoint::file_hash_of(*part) != file.hash) {
      stored.whole = false;
      continue;
    }
    contents[file.path] = *part;
  }
  const Found found = look_at(contents);
  // Not what a program would go on from, though every file is as it was read: the checkpoint is torn.
  if (found.torn) stored.whole = false;
  stored.step = found.step;
  recorder_.record({scheduler_.now(), stored});
}

void ObjectShelf::put_later(Duration wait, const std::string& bucket, const std::string& key, std::string bytes,
                            std::optional<Fence> by) {
  scheduler_.after(wait, [this, bucket, key, bytes = std::move(bytes), by] { put(bucket, key, bytes, by, true); });
}

void ObjectShelf::remove(const std::string& bucket, const std::string& key) {
  if (buckets_[bucket].erase(key) == 0) return;
  const auto own = own_of(bucket, key);
  const auto id = own ? checkpoint::parse_manifest_name(own->name) : std::nullopt;
  if (id) recorder_.record({scheduler_.now(), GenerationRemoved{own->job, id->fence, id->sequence}});
}

// Only what a manifest names, or a manifest itself: else the harm would show in no record. Of an object with several
// files a manifest may name some only.
void ObjectShelf::damage(const std::string& bucket, const std::string& key) {
  const auto own = own_of(bucket, key);
  auto& bytes = buckets_[bucket][key].bytes;
  if (!own || bytes.empty() || damaged_.contains(key)) return;
  const auto at = bytes.size() / 2;
  const auto holds = [&](const checkpoint::ManifestFile& file) {
    return file.object == own->name && (!file.offset || (*file.offset <= at && at < *file.offset + file.size));
  };
  std::vector<GenerationId> spoilt;
  if (const auto id = checkpoint::parse_manifest_name(own->name)) spoilt.push_back(*id);
  const auto& objects = buckets_[bucket];
  const auto ledger = own->place + "ledger/";
  for (auto entry = objects.lower_bound(ledger); entry != objects.end() && entry->first.starts_with(ledger); ++entry) {
    const auto manifest = checkpoint::decode(entry->second.bytes);
    if (!manifest) continue;
    if (std::ranges::any_of(manifest->files, holds)) spoilt.push_back(manifest->id);
  }
  if (spoilt.empty()) return;
  damaged_.insert(key);
  recorder_.record({scheduler_.now(), FaultInjected{"a bit of " + key + " is flipped"}});
  for (const auto& id : spoilt) recorder_.record({scheduler_.now(), GenerationSpoilt{own->job, id.fence, id.sequence}});
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
}

void ObjectShelf::damage_restored(const std::string& bucket, const std::string& key, std::string_view manifest) {
  const auto own = own_of(bucket, key);
  if (!own || !checkpoint::parse_manifest_name(own->name)) return;
  const auto first = checkpoint::decode(manifest);
  if (!first || first->id.sequence != 1 || !first->based_on || first->files.empty()) return;
  const auto file = own->place + first->files.front().object;
  if (buckets_[bucket].contains(file)) damage(bucket, file);
}

std::vector<std::pair<std::string, std::string>> ObjectShelf::checkpoint_data(bool newest_only) const {
  constexpr std::size_t kNewest = 4;
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [bucket, objects] : buckets_) {
    for (const auto& [key, object] : objects) {
      const auto own = own_of(bucket, key);
      if (own && (checkpoint::parse_data_name(own->name) || checkpoint::parse_manifest_name(own->name)))
        found.emplace_back(bucket, key);
    }
  }
  if (!newest_only || found.size() <= kNewest) return found;
  std::ranges::sort(found, std::greater{},
                    [&](const auto& at) { return std::pair(buckets_.at(at.first).at(at.second).modified, at); });
  found.resize(kNewest);
  return found;
}

}  // namespace holdfast::sim
