// The part of CheckpointSync that writes to the store: uploads, commits, the plain view, retention, the last flush.
#include <algorithm>
#include <functional>

#include "agent/checkpoint_sync.hpp"
#include "base/log.hpp"
#include "checkpoint/hash.hpp"

namespace holdfast::agent {
namespace {

using checkpoint::Manifest;
using checkpoint::ManifestFile;

constexpr std::uint64_t kMaxBytesPerStep = 512u << 20;
constexpr std::uint64_t kMaxLogBytes = 64u << 20;  // of one that is uploaded with each generation
// When there is no time to wait between tries.
constexpr int kMaxFlushPasses = 4;
constexpr std::size_t kMaxPlainObjects = 1'000'000;
constexpr std::size_t kParallelPlain = 16;
constexpr Duration kTidyAgainAfter{10'000};

// Of a content, as the plain view knows it.
std::string where(const ManifestFile& file) {
  return file.offset ? fmt::format("{}@{}", file.object, *file.offset) : file.object;
}

// How many of them, so that nobody waits too long for the next look.
std::ptrdiff_t enough_for_a_step(const std::vector<checkpoint::LocalFile>& files) {
  std::uint64_t bytes = 0;
  const auto end = std::ranges::find_if(
      files, [&](const auto& file) { return std::exchange(bytes, bytes + file.identity.size) >= kMaxBytesPerStep; });
  return end - files.begin();
}

}  // namespace

// ---- uploading

void CheckpointSync::upload_settled(std::vector<checkpoint::LocalFile> settled, Events& events) {
  const auto is_settled = [&](const checkpoint::LocalFile& file) {
    return checkpoint::is_settled(tracked_.at(file.path).watch, clock_.ticks(), options_.settle);
  };
  std::erase_if(settled, std::not_fn(is_settled));
  if (settled.empty()) return;
  // Uploads take their time, in which nobody looks: that the program lived until now may decide what becomes of them.
  if (!ended_) note_open_files();
  std::erase_if(settled, std::not_fn(is_settled));
  // The newest first: older ones are likely to be removed soon.
  std::ranges::stable_sort(settled, std::greater{}, [](const auto& file) { return file.identity.mtime_ns; });
  settled.erase(settled.begin() + enough_for_a_step(settled), settled.end());
  upload(
      settled, [] { return false; }, events);
}

bool CheckpointSync::is_restless_log(const checkpoint::FileWatch& watch) const {
  return is_log(watch) && checkpoint::is_restless(watch, clock_.ticks(), options_.settle);
}

// Those that never rest are part of a generation as they were just before it: nothing waits for them, but a program
// that reads its own log when it starts again finds one.
void CheckpointSync::upload_logs(Events& events) {
  std::vector<checkpoint::LocalFile> logs;
  for (const auto& [path, tracked] : tracked_) {
    if (!is_restless_log(tracked.watch) || tracked.file.identity.size > kMaxLogBytes) continue;
    const auto known = uploaded_.find(path);
    if (known == uploaded_.end() || known->second.identity != tracked.file.identity) logs.push_back(tracked.file);
  }
  upload(
      logs, [] { return false; }, events, Uploader::Expect::grown);
}

// The path of a file that is no longer what it was, if there is one.
std::optional<std::string> CheckpointSync::upload(const std::vector<checkpoint::LocalFile>& files,
                                                  const std::function<bool()>& over, Events& events,
                                                  Uploader::Expect expect, const Uploader::Opened& opened) {
  if (files.empty()) return std::nullopt;
  if (options_.markers) mark_uploading(files);
  Uploader::Outcome outcome;
  // On a task of its own: this one does not give way to the program, and those of `tasks_` do while they should.
  tasks_.start([&] { outcome = uploader_.run(files, known_contents(), over, expect, opened); }).reset();
  unclaimed_.insert(outcome.objects.begin(), outcome.objects.end());
  std::uint64_t sent = 0;
  std::optional<std::string> changed;
  const Upload* failed = nullptr;
  for (auto& came : outcome.files) {
    sent += came.sent;
    if (came.came == Upload::Came::stored) keep_upload(came.local.path, std::move(came.stored));
    if (came.came == Upload::Came::failed && failed == nullptr) failed = &came;
    if (came.came != Upload::Came::changed) continue;
    changed = came.local.path;
    const auto tracked = tracked_.find(*changed);
    if (tracked == tracked_.end()) continue;  // held open, and removed
    checkpoint::note_change(tracked->second.watch, clock_.ticks(), false, options_.settle);
  }
  if (failed != nullptr) problem(events, *failed->error, "uploading " + failed->local.path);
  uploaded_since_commit_ += sent;
  discard_unclaimed();
  return changed;
}

void CheckpointSync::upload_held(const std::function<bool()>& over, Events& events) {
  auto& held = *held_;
  const auto count = enough_for_a_step(held.to_upload);
  const std::vector<checkpoint::LocalFile> files(held.to_upload.begin(), held.to_upload.begin() + count);
  const Uploader::Opened opened(held.opened.begin(), held.opened.begin() + count);
  const auto changed = upload(files, over, events, Uploader::Expect::opened, opened);
  // What is stored by now is not stored again, but for what was replaced. A snapshot that has to wait for the store
  // makes way for a newer one.
  if (changed || retry_at_) return held_.reset();
  for (const auto& file : files) {
    const auto stored = uploaded_.find(file.path);
    // Its task was cut off.
    if (stored == uploaded_.end() || stored->second.identity != file.identity) return held_.reset();
    held.files.push_back(stored->second.file);
  }
  held.to_upload.erase(held.to_upload.begin(), held.to_upload.begin() + count);
  held.opened.erase(held.opened.begin(), held.opened.begin() + count);
}

// What this attempt has uploaded and its next manifest may name: no clean-up may take it.
template <class See>
void CheckpointSync::each_protected(const See& see) const {
  for (const auto& [path, stored] : uploaded_) see(stored.file);
  for (const auto& stored : left_over_) see(stored.file);
  if (held_) std::ranges::for_each(held_->files, see);
}

// All that is protected from clean-ups: what this attempt has uploaded, and the last generation.
Uploader::Known CheckpointSync::known_contents() const {
  Uploader::Known known;
  known.reserve(uploaded_.size() + left_over_.size());
  for (const auto& [path, file] : uploaded_) known.push_back(&file);
  for (const auto& file : left_over_) known.push_back(&file);
  return known;
}

void CheckpointSync::keep_upload(const std::string& path, checkpoint::UploadedFile file) {
  forget_upload(path);
  uploaded_[path] = std::move(file);
}

void CheckpointSync::forget_upload(const std::string& path) {
  const auto known = uploaded_.find(path);
  if (known == uploaded_.end()) return;
  if (left_over_.size() < checkpoint::kMaxFiles) left_over_.push_back(std::move(known->second));
  uploaded_.erase(known);
}

// What no manifest can name any more is of no use to anybody. Best effort: the next commit's clean-up finds the rest.
void CheckpointSync::discard_unclaimed() {
  if (unclaimed_.empty()) return;
  auto unused = unclaimed_;
  each_protected([&](const ManifestFile& file) { unused.erase(file.object); });
  for (const auto& name : unused) {
    if (auto removed = store_.remove(claim_.place.bucket, claim_.place.own_key(name)); !removed) {
      log_debug("checkpoint: {}", removed.error().message);
    }
    unclaimed_.erase(name);
  }
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
bool CheckpointSync::still_stored(const std::vector<ManifestFile>& files, Events& events) {
  const auto there = ledger_.data_objects();
  if (!there) {
    problem(events, there.error(), "looking for stored files");
    return false;
  }
  std::vector<ManifestFile> missing;
  for (const auto& file : files) {
    const auto object = there->find(checkpoint::parse_data_name(file.object).value());
    if (object == there->end() || !checkpoint::fits(file, object->second)) missing.push_back(file);
  }
  for (const auto& file : missing) {
    uploaded_.erase(file.path);
    std::erase_if(left_over_, [&](const auto& left) { return left.file.object == file.object; });
  }
  return missing.empty();
}

bool CheckpointSync::commit(Snapshot snapshot, Events& events) {
  const auto began = clock_.ticks();
  if (!check_fence(events) || !still_stored(snapshot.files, events)) return false;
  std::ranges::sort(snapshot.files, {}, &ManifestFile::path);
  Manifest manifest{.job = claim_.job.value,
                    // A number is never used twice, not even after a failure: the manifest may have arrived after all.
                    .id = {claim_.fence, next_sequence_++},
                    .created = clock_.now(),
                    .based_on = claim_.based_on,
                    .files = std::move(snapshot.files),
                    .links = std::move(snapshot.links),
                    .number = number_ + 1,
                    .metrics = std::move(snapshot.metrics)};
  for (const auto& file : manifest.files) unclaimed_.erase(file.object);
  left_over_.clear();
  if (auto put = ledger_.put_manifest(manifest); !put) {
    in_doubt_ = true;
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
                                       .uploaded_bytes = std::exchange(uploaded_since_commit_, 0),
                                       .wrote = snapshot.wrote,
                                       .safe_after = clock_.ticks() - snapshot.last_change.value_or(began),
                                       // The quiet before it is part of what it takes.
                                       .commit_took = clock_.ticks() - began + options_.settle.quiet});
  dirty_since_.reset();
  if (last_change_ != snapshot.last_change) dirty_since_ = snapshot.seen_at;
  trouble_said_at_.reset();
  in_doubt_ = false;
  saves_.committed();
  last_commit_at_ = clock_.ticks();
  last_burst_ = snapshot.burst;
  // Of what was held open and is gone from the directory.
  std::erase_if(uploaded_, [&](const auto& one) { return !tracked_.contains(one.first); });
  last_ = manifest.id;
  number_ = manifest.number;
  last_committed_ = manifest.created;
  last_files_ = std::move(manifest.files);
  last_links_ = std::move(manifest.links);
  untidy_ = true;
  tidy_again_at_.reset();
  mark_uploaded();
  return true;
}

// ---- after a commit

// What fails here holds up no commit: whoever may not remove objects, say, must not lose checkpoints by that.
void CheckpointSync::tidy_up(Events& events) {
  if (in_doubt_ || (tidy_again_at_ && clock_.ticks() < *tidy_again_at_)) return;
  tidy_again_at_.reset();
  if (!check_fence(events)) return;
  const auto failed = [&](const Error& error, std::string_view what) {
    tidy_again_at_ = clock_.ticks() + kTidyAgainAfter;
    if (std::exchange(untidy_said_, true)) return;
    events.push_back(CheckpointProblem{fmt::format("{}: {}", what, error.message), true});
  };
  if (auto done = follow_in_plain_view(); !done) return failed(done.error(), "bringing the plain files up to date");
  if (auto done = remove_what_may_go(); !done) return failed(done.error(), "removing old checkpoints");
  untidy_ = untidy_said_ = false;
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
  const auto compare = [&](const ManifestFile& file) {
    const auto plain = by_key.find(place.plain_key(file.path));
    const auto object = by_key.find(place.own_key(file.object));
    if (plain == by_key.end() || object == by_key.end() || plain->second->etag.empty()) return;
    if (!file.offset && plain->second->etag == object->second->etag) plain_[file.path] = where(file);
  };
  std::ranges::for_each(last_files_, compare);
  std::ranges::for_each(linked_files(last_files_, last_links_), compare);
  return {};
}

Result<void> CheckpointSync::follow_in_plain_view() {
  const auto& place = claim_.place;
  if (!plain_known_) {
    if (auto learnt = learn_plain_view(); !learnt) return learnt;
  }
  // A link is no object: where it leads to a file, there is a copy of that.
  const auto linked = linked_files(last_files_, last_links_);
  std::vector<const ManifestFile*> behind;
  const auto compare = [&](const ManifestFile& file) {
    if (plain_[file.path] != where(file)) behind.push_back(&file);
  };
  std::ranges::for_each(last_files_, compare);
  std::ranges::for_each(linked, compare);
  std::vector<std::uint8_t> done(behind.size());
  const auto followed = for_each(tasks_, kParallelPlain, behind.size(), [&](std::size_t i) -> Result<void> {
    auto put = put_in_plain_view(*behind[i]);
    // Someone removed the contents by hand: the next commit stores them again.
    if (!put && put.error().kind != Kind::not_found) return put;
    done[i] = 1;
    return {};
  });
  for (std::size_t i = 0; i < behind.size(); ++i) {
    if (done[i] != 0) plain_[behind[i]->path] = where(*behind[i]);
  }
  if (!followed) return followed;
  std::vector<std::string> gone;
  for (const auto& [path, object] : plain_) {
    if (find_file(last_files_, path) == nullptr && find_file(linked, path) == nullptr) gone.push_back(path);
  }
  auto removed = remove_all(gone, [&](const auto& path) { return place.plain_key(path); });
  if (removed) {
    for (const auto& path : gone) plain_.erase(path);
  }
  return removed;
}

// What lies with others in one object is put anew: from the directory where it is still the same there.
Result<void> CheckpointSync::put_in_plain_view(const ManifestFile& file) {
  const auto& place = claim_.place;
  const auto key = place.plain_key(file.path);
  if (!file.offset) return store_.copy(place.bucket, place.own_key(file.object), key);
  const auto known = uploaded_.find(file.path);
  if (known != uploaded_.end() && known->second.file.hash == file.hash) {
    std::string bytes(static_cast<std::size_t>(file.size), '\0');
    const auto opened = folder_.open(file.path);
    if (opened && (*opened)->read(0, bytes) && checkpoint::file_hash_of(bytes) == file.hash) {
      return store_.put_bytes(place.bucket, key, bytes);
    }
  }
  std::string bytes;
  const auto got = store_.get(place.bucket, place.own_key(file.object), *file.offset, file.size, [&](auto block) {
    bytes += block;
    return Result<void>{};
  });
  if (!got) return fail(got.error());
  return store_.put_bytes(place.bucket, key, bytes);
}

Result<void> CheckpointSync::remove_all(const std::vector<std::string>& names,
                                        const std::function<std::string(const std::string&)>& key_of) {
  return for_each(tasks_, kParallelPlain, names.size(),
                  [&](std::size_t i) { return store_.remove(claim_.place.bucket, key_of(names[i])); });
}

Result<void> CheckpointSync::remove_what_may_go() {
  const auto input = retention_input();
  if (!input) return fail(input.error());
  for (const auto& group : checkpoint::names_of(checkpoint::plan_retention(*input))) {
    auto removed = remove_all(group, [&](const auto& name) { return claim_.place.own_key(name); });
    if (!removed) return removed;
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
  auto kept = checkpoint::choose_kept(input.ledger, options_.retention, claim_.based_on, input.data,
                                      [&](GenerationId id) { return ledger_.read_manifest(id); });
  if (!kept) return fail(kept.error());
  input.kept = std::move(*kept);
  each_protected(
      [&](const ManifestFile& file) { input.in_use.insert(checkpoint::parse_data_name(file.object).value()); });
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

// The checkpoint that was being stored when the program was killed in its next save.
void CheckpointSync::finish_held(Instant deadline, Events& events) {
  if (held_ && what_came_after(*held_) != Since::next) held_.reset();
  const auto over = [&] { return clock_.ticks() >= deadline; };
  while (held_ && !held_->to_upload.empty() && !over()) upload_held(over, events);
  if (!held_ || !held_->to_upload.empty()) return;
  auto snapshot = std::move(*std::exchange(held_, std::nullopt));
  if (commit(std::move(snapshot), events) && !over()) tidy_up(events);
}

// One that is written all the time and is no log: whoever was killed may have been in the middle of saving it, and
// without it the others are half of that save.
bool CheckpointSync::leaves_out_a_file() const {
  const auto changed = view(true).state.changed;
  return std::ranges::any_of(changed, [&](const checkpoint::FileWatch& watch) {
    return !checkpoint::is_log(watch) && checkpoint::is_restless(watch, clock_.ticks(), options_.settle);
  });
}

FlushOutcome CheckpointSync::flush_after_end(Instant deadline, const ProgramEnd& end, FlushResult& result) {
  auto& events = result.events;
  look(events, true);
  // What was mapped to the end may have been written to with nothing to show for it: a page that is dirty already
  // changes no time. The contents are compared once more.
  if (!end.signalled) {
    for (const auto& [path, tracked] : tracked_) {
      if (tracked.watch.open) forget_upload(path);
    }
  }
  // We may hear of a death late, when what it cut off has been quiet for long.
  const Instant alive_until = open_files_ ? std::min(alive_at_, end.at) : end.at;
  // A file that a killed program never let settle cannot be trusted now either.
  const bool everything = !end.signalled;
  if (const auto seen = view(everything); !seen.differs) {
    const auto is_log = [](const checkpoint::FileWatch& watch) { return checkpoint::is_log(watch); };
    if (everything || std::ranges::all_of(view(true).state.changed, is_log)) return FlushOutcome::saved;
    result.why = "files that were written all the time were left out";
    return FlushOutcome::partial;
  } else if (end.signalled && asked_) {
    result.why = "the program was killed, and says itself what is a checkpoint; the last committed one stands";
    return FlushOutcome::partial;
  } else if (end.signalled &&
             (leaves_out_a_file() || !is_complete_at_death(seen.state, alive_until, last_burst_, options_.settle))) {
    result.why = "the program was killed while it may have been writing; the last committed checkpoint stands";
    finish_held(deadline, events);
    return FlushOutcome::partial;
  }
  held_.reset();
  for (int pass = 0; pass < kMaxFlushPasses; ++pass) {
    const auto over = [&] { return clock_.ticks() >= deadline; };
    const auto changed = upload(view(everything).plan.upload, over, events);
    if (changed && end.signalled) {
      result.why = fmt::format("{} changed after the program was killed", *changed);
      return FlushOutcome::partial;
    }
    if (clock_.ticks() >= deadline) {
      result.why = "there was no time left";
      return FlushOutcome::too_late;
    }
    look(events, true);
    const auto seen = view(everything);
    if (seen.plan.upload.empty() && !seen.differs) return FlushOutcome::saved;
    if (seen.plan.upload.empty() && commit(snapshot_of(seen), events)) {
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
