// The part of CheckpointSync that writes to the store: uploads, commits, the plain view, retention, the last flush.
#include <algorithm>

#include "agent/checkpoint_sync.hpp"
#include "agent/file_source.hpp"
#include "base/log.hpp"

namespace holdfast::agent {
namespace {

using checkpoint::Manifest;
using checkpoint::ManifestFile;

constexpr std::size_t kMaxUploadsPerStep = 32;
// When there is no time to wait between tries.
constexpr int kMaxFlushPasses = 4;
constexpr std::size_t kMaxPlainObjects = 1'000'000;

}  // namespace

// ---- uploading

void CheckpointSync::upload_settled(Events& events) {
  std::size_t uploads = 0;
  for (const auto& file : view(false).plan.upload) {
    if (uploads >= kMaxUploadsPerStep || retry_at_) return;
    if (!checkpoint::is_settled(tracked_.at(file.path).watch, clock_.ticks(), options_.settle)) continue;
    upload(file.path, events);
    ++uploads;
  }
}

// The file is stored as it was seen, or not at all: it must be the same before and after, and still be what its path
// names. A rename into place meanwhile changes the path's file, a write the open one's times.
CheckpointSync::Upload CheckpointSync::upload(const std::string& path, Events& events) {
  auto& [file, watch] = tracked_.at(path);
  const auto changed = [&, &noticed = watch] {
    checkpoint::note_change(noticed, clock_.ticks(), false, options_.settle);
    return Upload::changed;
  };
  const auto as_seen = [&, &seen = file](const OpenFile& opened) { return opened.identity() == seen.identity; };
  const auto opened = folder_.open(path);
  if (!opened || !as_seen(**opened)) return changed();

  const auto object = checkpoint::data_name({claim_.fence, next_object_++});
  const auto key = claim_.place.own_key(object);
  const auto begin = clock_.ticks();
  HashingSource source(**opened, file.identity.size);
  unclaimed_.insert(object);
  auto put = store_.put(claim_.place.bucket, key, source);
  if (!put && put.error().kind != Kind::conflict) {
    problem(events, put.error(), "uploading " + path);
    return Upload::failed;
  }
  const auto now_there = folder_.open(path);
  if (!put || !as_seen(**opened) || !now_there || !as_seen(**now_there)) {
    discard(object);
    return changed();
  }
  forget_upload(path);
  uploaded_[path] = {file.identity, ManifestFile{.path = path,
                                                 .size = file.identity.size,
                                                 .hash = source.hash().digest(),
                                                 .object = object,
                                                 .mtime_ns = file.identity.mtime_ns,
                                                 .mode = file.mode}};
  uploaded_bytes_ += file.identity.size;
  uploaded_since_commit_ += file.identity.size;
  const auto took = std::max<std::int64_t>((clock_.ticks() - begin).count(), 1);
  bytes_per_second_ = file.identity.size * 1000 / static_cast<std::uint64_t>(took);
  return Upload::stored;
}

// What no manifest can name is of no use to anybody. Best effort: the next commit's clean-up finds the rest.
void CheckpointSync::discard(const std::string& object) {
  if (unclaimed_.erase(object) == 0) return;
  if (auto removed = store_.remove(claim_.place.bucket, claim_.place.own_key(object)); !removed) {
    log_debug("checkpoint: {}", removed.error().message);
  }
}

void CheckpointSync::forget_upload(const std::string& path) {
  const auto known = uploaded_.find(path);
  if (known == uploaded_.end()) return;
  discard(known->second.file.object);
  uploaded_.erase(known);
}

// ---- committing

bool CheckpointSync::check_fence(Events& events) {
  const auto newer = ledger_.newer_fence(claim_.fence);
  if (!newer) {
    problem(events, newer.error(), "looking for a newer attempt");
    return false;
  }
  if (!*newer) return true;
  fenced_off_ = **newer;
  events.push_back(CheckpointFencedOff{**newer});
  return false;
}

// A manifest names only what was seen in the store just now, whoever may have tidied there.
bool CheckpointSync::still_stored(const checkpoint::TransferPlan& plan, Events& events) {
  const auto there = ledger_.data_objects();
  if (!there) {
    problem(events, there.error(), "looking for stored files");
    return false;
  }
  bool all = true;
  for (const auto& file : plan.stored) {
    const auto object = there->find(checkpoint::parse_data_name(file.object).value());
    if (object != there->end() && checkpoint::fits(file, object->second)) continue;
    uploaded_.erase(file.path);
    all = false;
  }
  return all;
}

bool CheckpointSync::commit(const View& seen, Events& events) {
  if (!check_fence(events) || !still_stored(seen.plan, events)) return false;
  Manifest manifest{.job = claim_.job.value,
                    // A number is never used twice, not even after a failure: the manifest may have arrived after all.
                    .id = {claim_.fence, next_sequence_++},
                    .created = clock_.now(),
                    .based_on = claim_.based_on,
                    .files = seen.plan.stored};
  for (const auto& file : manifest.files) unclaimed_.erase(file.object);
  if (auto put = ledger_.put_manifest(manifest); !put) {
    problem(events, put.error(), "committing a checkpoint");
    return false;
  }
  // Looked at again before anything is said or removed: a newer attempt may have opened the ledger just before the
  // manifest arrived, and then it does not count.
  check_fence(events);
  if (fenced_off_) return false;
  events.push_back(CheckpointCommitted{.id = manifest.id,
                                       .files = manifest.files.size(),
                                       .bytes = total_bytes(manifest),
                                       .uploaded_bytes = std::exchange(uploaded_since_commit_, 0)});
  last_burst_ = seen.state.changed.size();
  last_ = manifest.id;
  last_committed_ = manifest.created;
  last_files_ = std::move(manifest.files);
  untidy_ = true;
  return true;
}

// ---- after a commit

void CheckpointSync::tidy_up(Events& events) {
  if (!check_fence(events)) return;
  if (auto done = follow_in_plain_view(); !done) {
    return problem(events, done.error(), "bringing the plain files up to date");
  }
  if (auto done = remove_what_may_go(); !done) return problem(events, done.error(), "removing old checkpoints");
  untidy_ = false;
}

// What earlier attempts left there, of which we only know the names: a copy has the etag of its original.
Result<void> CheckpointSync::learn_plain_view() {
  const auto& place = claim_.place;
  const auto objects = list_all(store_, place.bucket, place.prefix, kMaxPlainObjects);
  if (!objects && objects.error().kind != Kind::invalid) return fail(objects.error());
  plain_known_ = true;
  if (!objects) return {};
  std::map<std::string_view, const ports::ObjectInfo*> by_key;
  for (const auto& object : *objects) by_key[object.key] = &object;
  for (const auto& file : last_files_) {
    const auto plain = by_key.find(place.plain_key(file.path));
    const auto object = by_key.find(place.own_key(file.object));
    if (plain == by_key.end() || object == by_key.end() || plain->second->etag.empty()) continue;
    if (plain->second->etag == object->second->etag) plain_[file.path] = file.object;
  }
  return {};
}

Result<void> CheckpointSync::follow_in_plain_view() {
  const auto& place = claim_.place;
  if (!plain_known_) {
    if (auto learnt = learn_plain_view(); !learnt) return learnt;
  }
  for (const auto& file : last_files_) {
    auto& there = plain_[file.path];
    if (there == file.object) continue;
    auto copied = store_.copy(place.bucket, place.own_key(file.object), place.plain_key(file.path));
    // Someone removed the contents by hand: the next commit stores them again.
    if (!copied && copied.error().kind != Kind::not_found) return copied;
    there = file.object;
  }
  for (auto next = plain_.begin(); next != plain_.end();) {
    if (std::ranges::binary_search(last_files_, next->first, {}, &ManifestFile::path)) {
      ++next;
      continue;
    }
    if (auto removed = store_.remove(place.bucket, place.plain_key(next->first)); !removed) return removed;
    next = plain_.erase(next);
  }
  return {};
}

Result<void> CheckpointSync::remove_what_may_go() {
  const auto input = retention_input();
  if (!input) return fail(input.error());
  const auto plan = checkpoint::plan_retention(*input);
  std::vector<std::string> names;
  for (const auto& id : plan.entries) names.push_back(checkpoint::manifest_name(id));
  for (const auto& id : plan.quarantine_marks) names.push_back(checkpoint::quarantine_name(id));
  for (const auto& object : plan.data) names.push_back(checkpoint::data_name(object));
  for (const auto& name : names) {
    if (auto removed = store_.remove(claim_.place.bucket, claim_.place.own_key(name)); !removed) return removed;
  }
  return {};
}

Result<checkpoint::RetentionInput> CheckpointSync::retention_input() {
  checkpoint::RetentionInput input;
  input.own = claim_.fence;
  auto ledger = ledger_.read();
  if (!ledger) return fail(ledger.error());
  input.ledger = std::move(*ledger);
  // After the ledger: what a manifest names was there before it.
  const auto data = ledger_.data_objects();
  if (!data) return fail(data.error());
  for (const auto& [object, size] : *data) input.data.insert(object);
  auto kept = checkpoint::choose_kept(input.ledger, options_.keep, claim_.based_on, input.data,
                                      [&](GenerationId id) { return ledger_.read_manifest(id); });
  if (!kept) return fail(kept.error());
  input.kept = std::move(*kept);
  for (const auto& [path, stored] : uploaded_) {
    input.in_use.insert(checkpoint::parse_data_name(stored.file.object).value());
  }
  return input;
}

// ---- the last pass

FlushResult CheckpointSync::flush(Instant deadline, std::optional<ProgramEnd> end) {
  FlushResult result;
  if (fenced_off_) {
    result.why = fmt::format("attempt {} has taken over", fenced_off_->value);
  } else if (end) {
    ended_ = true;
    result.outcome = flush_after_end(deadline, *end, result);
  } else {
    look(result.events, true);
    const auto more = step();
    result.events.insert(result.events.end(), more.begin(), more.end());
    result.outcome = view(true).differs ? FlushOutcome::partial : FlushOutcome::saved;
    if (result.outcome != FlushOutcome::saved) result.why = "the program is still writing";
  }
  result.generation = last_;
  if (result.outcome != FlushOutcome::saved) result.bytes_left_behind = view(true).bytes_at_risk;
  return result;
}

FlushOutcome CheckpointSync::flush_after_end(Instant deadline, const ProgramEnd& end, FlushResult& result) {
  auto& events = result.events;
  look(events, true);
  // A file that a killed program never let settle cannot be trusted now either.
  const bool everything = !end.signalled;
  if (const auto seen = view(everything); !seen.differs) {
    if (everything || !view(true).differs) return FlushOutcome::saved;
    result.why = "files that were written all the time were left out";
    return FlushOutcome::partial;
  } else if (end.signalled && !is_complete_at_death(seen.state, end.at, last_burst_, options_.settle)) {
    result.why = "the program was killed while it may have been writing; the last committed checkpoint stands";
    return FlushOutcome::partial;
  }
  for (int pass = 0; pass < kMaxFlushPasses; ++pass) {
    for (const auto& file : view(everything).plan.upload) {
      if (clock_.ticks() >= deadline) break;
      const auto came = upload(file.path, events);
      if (came == Upload::changed && end.signalled) {
        result.why = fmt::format("{} changed after the program was killed", file.path);
        return FlushOutcome::partial;
      }
    }
    if (clock_.ticks() >= deadline) {
      result.why = "there was no time left";
      return FlushOutcome::too_late;
    }
    look(events, true);
    const auto seen = view(everything);
    if (seen.plan.upload.empty() && seen.differs && commit(seen, events)) {
      if (clock_.ticks() < deadline) tidy_up(events);
      return FlushOutcome::saved;
    }
    if (fenced_off_) break;
  }
  result.why =
      fenced_off_ ? fmt::format("attempt {} has taken over", fenced_off_->value) : "some files could not be stored";
  return FlushOutcome::partial;
}

}  // namespace holdfast::agent
