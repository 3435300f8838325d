#include "agent/checkpoint_review.hpp"

#include <algorithm>
#include <set>

#include "agent/checkpoint_restore.hpp"

namespace holdfast::agent {

using checkpoint::Manifest;

namespace {

constexpr std::size_t kMaxListed = 4'000'000;
constexpr std::size_t kMaxWhy = 4096;

class Review {
 public:
  Review(ports::ObjectStore& store, const CheckpointPlace& place)
      : store_(store), place_(place), ledger_(store, place) {}

  Result<ReviewedPlace> run() {
    auto ledger = ledger_.read();
    if (!ledger) return fail(ledger.error());
    // After the ledger: what a manifest names was there before it.
    if (auto listed = take_stock(); !listed) return fail(listed.error());
    const auto order = checkpoint::restore_order(*ledger);
    restorable_ = {order.begin(), order.end()};
    for (auto id = ledger->entries.rbegin(); id != ledger->entries.rend(); ++id) {
      if (id->sequence == 0) continue;
      if (auto looked = look_at(*id, *ledger); !looked) return fail(looked.error());
    }
    note_restores();
    return std::move(found_);
  }

 private:
  Result<void> take_stock() {
    const auto objects = list_all(store_, place_.bucket, place_.prefix, kMaxListed);
    if (!objects) return fail(objects.error());
    const auto own = place_.own_key("");
    for (const auto& object : *objects) {
      if (!object.key.starts_with(own)) {
        found_.plain_bytes += object.size;
        ++found_.plain_files;
        continue;
      }
      const auto name = std::string_view(object.key).substr(own.size());
      found_.stored_bytes += object.size;
      if (const auto data = checkpoint::parse_data_name(name)) data_[*data] = object.size;
      if (const auto id = checkpoint::parse_verified_name(name)) verified_[*id] = object.modified;
    }
    return {};
  }

  bool is_whole(const Manifest& manifest) const {
    return std::ranges::all_of(manifest.files, [&](const auto& file) {
      const auto object = data_.find(checkpoint::parse_data_name(file.object).value());
      return object != data_.end() && checkpoint::fits(file, object->second);
    });
  }

  Result<void> look_at(GenerationId id, const checkpoint::Ledger& ledger) {
    ReviewedGeneration seen{.id = id, .manifest = {}};
    auto manifest = ledger_.read_manifest(id);
    // A clean-up came first.
    if (!manifest && manifest.error().kind == Kind::not_found) return {};
    if (!manifest) return fail(manifest.error());
    seen.readable = manifest->has_value();
    seen.manifest.id = id;
    if (*manifest) {
      describe(std::move(**manifest), seen);
    } else {
      seen.state = GenerationState::damaged;
    }
    if (ledger.quarantined.contains(id)) {
      seen.state = GenerationState::quarantined;
      const auto why = store_.get_bytes(place_.bucket, place_.own_key(checkpoint::quarantine_name(id)), kMaxWhy);
      if (why) seen.why = *why;
    }
    if (const auto mark = verified_.find(id); mark != verified_.end()) seen.verified = mark->second;
    found_.generations.push_back(std::move(seen));
    return {};
  }

  void describe(Manifest manifest, ReviewedGeneration& seen) const {
    if (!restorable_.contains(seen.id)) seen.state = GenerationState::superseded;
    if (!is_whole(manifest)) seen.state = GenerationState::incomplete;
    seen.files = manifest.files.size();
    seen.links = manifest.links.size();
    seen.bytes = checkpoint::total_bytes(manifest);
    seen.manifest = std::move(manifest);
    seen.manifest.files.clear();
    seen.manifest.links.clear();
  }

  // The first generation of an attempt is what it restored, and so verified.
  void note_restores() {
    std::map<GenerationId, Instant> restored;
    for (const auto& one : found_.generations) {
      const auto& manifest = one.manifest;
      if (one.id.sequence != 1 || !manifest.based_on) continue;
      restored[*manifest.based_on] = restored[one.id] = manifest.created;
    }
    for (auto& one : found_.generations) {
      const auto by = restored.find(one.id);
      if (by != restored.end()) one.verified = std::max(one.verified.value_or(by->second), by->second);
    }
  }

  ports::ObjectStore& store_;
  const CheckpointPlace& place_;
  LedgerStore ledger_;
  std::set<GenerationId> restorable_;
  std::map<checkpoint::DataObject, std::uint64_t> data_;
  std::map<GenerationId, Instant> verified_;
  ReviewedPlace found_;
};

Result<void> check_bucket(ports::ObjectStore& store, const std::string& bucket) {
  const auto exists = store.bucket_exists(bucket);
  if (!exists) return fail(exists.error());
  if (!*exists) return fail(Kind::not_found, "s3://{}: there is no such bucket", bucket);
  return {};
}

std::string in_words(GenerationId id) { return fmt::format("{}.{}", id.fence.value, id.sequence); }

}  // namespace

const char* to_string(GenerationState state) {
  switch (state) {
    case GenerationState::restorable:
      return "restorable";
    case GenerationState::superseded:
      return "superseded";
    case GenerationState::quarantined:
      return "quarantined";
    case GenerationState::damaged:
      return "damaged";
    case GenerationState::incomplete:
      return "incomplete";
  }
  return "?";
}

Result<ReviewedPlace> review_checkpoints(ports::ObjectStore& store, const CheckpointPlace& place) {
  if (auto there = check_bucket(store, place.bucket); !there) return fail(there.error());
  return Review(store, place).run();
}

Result<GenerationId> newest_generation(ports::ObjectStore& store, const CheckpointPlace& place) {
  if (auto there = check_bucket(store, place.bucket); !there) return fail(there.error());
  const auto entries = LedgerStore(store, place).read();
  if (!entries) return fail(entries.error());
  const auto order = checkpoint::restore_order(*entries);
  if (!order.empty()) return order.front();
  return fail(Kind::not_found, "s3://{}/{}: there is no generation that a restore would use", place.bucket,
              place.prefix);
}

Result<Manifest> find_generation(ports::ObjectStore& store, const CheckpointPlace& place,
                                 std::optional<GenerationId> id) {
  if (!id) {
    const auto newest = newest_generation(store, place);
    if (!newest) return fail(newest.error());
    id = *newest;
  }
  if (auto there = check_bucket(store, place.bucket); !there) return fail(there.error());
  auto manifest = LedgerStore(store, place).read_manifest(*id);
  if (!manifest && manifest.error().kind == Kind::not_found)
    return fail(Kind::not_found, "s3://{}/{}: there is no generation {}", place.bucket, place.prefix, in_words(*id));
  if (!manifest) return fail(manifest.error());
  if (!*manifest) return fail(Kind::invalid, "the manifest of generation {} is damaged", in_words(*id));
  return std::move(**manifest);
}

Result<void> fetch_generation(ports::ObjectStore& store, const CheckpointPlace& place, const Manifest& manifest,
                              Folder& folder, Tasks& tasks) {
  const auto fetched = bring_generation(store, place, manifest, folder, tasks);
  if (fetched) return {};
  // What is gone is as bad as what is changed.
  const auto kind = fetched.error().kind == Kind::not_found ? Kind::conflict : fetched.error().kind;
  return fail(kind, "generation {}: {}", in_words(manifest.id), fetched.error().message);
}

Result<void> note_verified(ports::ObjectStore& store, const CheckpointPlace& place, GenerationId id) {
  return store.put_bytes(place.bucket, place.own_key(checkpoint::verified_name(id)), "read whole, and good\n");
}

Result<PrunePlan> plan_prune(ports::ObjectStore& store, const CheckpointPlace& place,
                             const checkpoint::RetentionPolicy& policy, bool live) {
  if (auto there = check_bucket(store, place.bucket); !there) return fail(there.error());
  LedgerStore ledger(store, place);
  checkpoint::RetentionInput input;
  auto entries = ledger.read();
  if (!entries) return fail(entries.error());
  input.ledger = std::move(*entries);
  const auto newest = input.ledger.newest_fence();
  if (!newest) return fail(Kind::not_found, "s3://{}/{}: there are no generations", place.bucket, place.prefix);
  input.own = *newest;
  const auto data = ledger.data_objects();
  if (!data) return fail(data.error());
  for (const auto& [object, size] : *data) {
    input.data.insert(object);
    if (live && object.fence == *newest) input.in_use.insert(object);
  }
  const auto base = input.ledger.based_on.find(*newest);
  auto kept = checkpoint::choose_kept(input.ledger, policy,
                                      live && base != input.ledger.based_on.end() ? base->second : std::nullopt,
                                      input.data, [&](GenerationId id) { return ledger.read_manifest(id); });
  if (!kept) return fail(kept.error());
  input.kept = std::move(*kept);
  PrunePlan plan{.newest = *newest, .live = live, .remove = checkpoint::plan_retention(input), .kept = {}};
  for (const auto& [id, manifest] : input.kept.generations) plan.kept.push_back(id);
  for (const auto& object : plan.remove.data) plan.bytes += data->at(object);
  input.in_use.clear();
  for (const auto& object : checkpoint::plan_retention(input).data) plan.held_bytes += data->at(object);
  plan.held_bytes -= plan.bytes;
  return plan;
}

Result<std::size_t> prune(ports::ObjectStore& store, const CheckpointPlace& place, const PrunePlan& plan, Instant now) {
  LedgerStore ledger(store, place);
  const auto newer = ledger.newer_fence(plan.newest);
  if (!newer) return fail(newer.error());
  if (*newer) return fail(Kind::conflict, "an attempt of the job has started meanwhile: try again");
  for (const auto& group : checkpoint::names_of(plan.remove)) {
    for (const auto& name : group) {
      if (auto removed = store.remove(place.bucket, place.own_key(name)); !removed) return fail(removed.error());
    }
  }
  return abort_dead_uploads(store, place, plan.live ? plan.newest : Fence{plan.newest.value + 1}, now);
}

}  // namespace holdfast::agent
