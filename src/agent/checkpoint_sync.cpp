#include "agent/checkpoint_sync.hpp"

#include <algorithm>

#include "base/ensure.hpp"
#include "base/log.hpp"
#include "checkpoint/known_writers.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::agent {
namespace {

using checkpoint::FileWatch;
using checkpoint::LocalFile;
using checkpoint::ManifestFile;

// A program that makes changes without end must not have us scan without end.
constexpr Duration kMinScanGap{50};
constexpr Duration kRetryAfter{2000};
// A writer that gathers a state from elsewhere takes seconds; who waits longer wants to know for what.
constexpr Duration kSayUnfinishedAfter{30'000};
// Few files take so long to be written, and who waits for a log wants to know.
constexpr Duration kSayHeldUpAfter{30'000};
constexpr Duration kSayTroubleAgainAfter{60'000};
// A generation for each line of a log would push those out that differ in more.
constexpr Duration kLogsWaitFor{60'000};
constexpr std::size_t kMaxSaid = 1000;
// Of a file as it was restored: longer than any quiet.
constexpr Instant kLongAgo{};

}  // namespace

CheckpointSync::CheckpointSync(ports::ObjectStore& store, Clock& clock, Tasks& tasks, OpenFiles open_files,
                               CheckpointSyncOptions options, CheckpointClaim claim, Folder& folder)
    : store_(store),
      clock_(clock),
      tasks_(tasks),
      open_files_(std::move(open_files)),
      options_(options),
      claim_(std::move(claim)),
      ledger_(store, claim_.place),
      folder_(folder),
      uploader_(store, claim_.place, claim_.fence, folder, tasks, options.pack_at_least),
      uploaded_(claim_.uploaded),
      next_sequence_(claim_.next_sequence),
      number_(claim_.number),
      last_(claim_.restored),
      last_files_(claim_.files),
      last_links_(claim_.links) {}

CheckpointSync::~CheckpointSync() = default;

Result<std::unique_ptr<CheckpointSync>> CheckpointSync::open(ports::ObjectStore& store, Clock& clock, Tasks& tasks,
                                                             OpenFiles open_files, CheckpointSyncOptions options,
                                                             CheckpointClaim claim, Folder& folder) {
  ENSURE(options.retention.keep >= checkpoint::kMinKeep, "keep {} generations", options.retention.keep);
  std::unique_ptr<CheckpointSync> sync(
      new CheckpointSync(store, clock, tasks, std::move(open_files), options, std::move(claim), folder));
  if (auto taken = sync->take_up_ledger(); !taken) return fail(taken.error(), "opening the checkpoint ledger");
  return sync;
}

Result<void> CheckpointSync::take_up_ledger() {
  const auto newer = ledger_.newer_fence(claim_.fence);
  if (!newer) return fail(newer.error());
  if (*newer) return fail(Kind::conflict, "attempt {} is newer than this one, {}", (*newer)->value, claim_.fence.value);
  const auto ledger = ledger_.read();
  if (!ledger) return fail(ledger.error());
  // Where this attempt wrote before, as an agent that was started again, it goes on after that.
  const bool wrote = !ledger->entries.empty() && ledger->entries.rbegin()->fence == claim_.fence;
  const auto after = wrote ? ledger->entries.rbegin()->sequence + 1 : 1;
  // The restore may have given up the put of a generation that it then did not go on from.
  in_doubt_ = next_sequence_ > after;
  next_sequence_ = std::max(next_sequence_, after);
  const auto data = ledger_.data_objects();
  if (!data) return fail(data.error());
  for (const auto& [object, size] : *data) {
    if (object.fence == claim_.fence) uploader_.number_from(object.number + 1);
  }
  // Whatever kept generations name may lie in the plain view: a crash can have come before it was brought into line.
  for (const auto& path : claim_.plain_paths) plain_[path] = "";
  for (const auto& id : checkpoint::restore_order(*ledger)) {
    const auto manifest = ledger_.read_manifest(id);
    if (!manifest && manifest.error().kind != Kind::not_found) return fail(manifest.error());
    if (!manifest || !*manifest) continue;
    for (const auto& file : (*manifest)->files) plain_[file.path] = "";
    for (const auto& file : linked_files((*manifest)->files, (*manifest)->links)) plain_[file.path] = "";
  }
  untidy_ = last_.has_value();
  // Of attempts that were cut off in the middle of a long file. The ledger says that our program starts, so nothing of
  // theirs counts now.
  const auto aborted = abort_dead_uploads(store_, claim_.place, claim_.fence, clock_.now());
  if (!aborted) log_debug("checkpoint: {}", aborted.error().message);
  return {};
}

std::vector<CheckpointEvent> CheckpointSync::step() {
  Events events;
  if (fenced_off_) return events;
  look(events, false);
  if (retry_at_ && clock_.ticks() < *retry_at_) return events;
  retry_at_.reset();
  if (untidy_) tidy_up(events);
  // What is held open takes its place on the disk, even when the program has removed it.
  if (held_ && !can_be_held(held_->to_upload)) held_.reset();
  constexpr int kRounds = 2;  // a snapshot, and the one that comes in its place
  for (int i = 0; i < kRounds; ++i) {
    if (!held_) hold_what_is_whole(events);
    if (!held_) {
      auto seen = view(false);
      if (!seen.differs) return events;
      upload_settled(std::move(seen.plan.upload), events);
      hold_what_is_whole(events);
    }
    if (!held_) return events;
    const bool sends = !held_->to_upload.empty();
    upload_held([] { return false; }, events);
    if (!held_ || !held_->to_upload.empty()) return events;
    look(events, sends || scanned_at_ < held_->seen_at);
    const auto since = what_came_after(*held_);
    if (since == Since::more) {
      auto seen = view(false);
      if (!is_whole(seen)) {
        upload_settled(std::move(seen.plan.upload), events);
        return events;
      }
    }
    auto snapshot = std::move(*std::exchange(held_, std::nullopt));
    if (since == Since::more) continue;
    if (commit(std::move(snapshot), events)) tidy_up(events);
    return events;
  }
  return events;
}

// ---- looking

void CheckpointSync::look(Events& events, bool now_and_whole) {
  auto changes = folder_.changes();
  heard_.any |= changes.any;
  heard_.lost |= changes.lost;
  for (const auto& [path, news] : changes.news) heard_.news[path] = news;
  if (held_) note_visitors(*held_, changes);
  const auto now = clock_.ticks();
  const auto gap = heard_.any ? std::min(kMinScanGap, options_.scan_interval) : options_.scan_interval;
  if (!now_and_whole && scanned_at_ && now - *scanned_at_ < gap) return;
  const auto scan = folder_.scan();
  const auto since_last_look = now - scanned_at_.value_or(now);
  scanned_at_ = now;
  if (!scan) return problem(events, scan.error(), "looking at the checkpoint directory");
  observe(*scan, since_last_look, events);
  observe_links(*scan, events);
  heard_ = {};
  const auto all = view(true);
  note_unfinished(all, events);
  // After the end nobody holds anything open, and what was held open then is what matters.
  if (!ended_ && (now_and_whole || all.differs)) note_open_files();
  note_whether_dirty();
  const auto say_restless = [&](const std::string& path, const FileWatch& watch) {
    if (is_restless_log(watch) || checkpoint::is_settled(watch, now, options_.settle)) return;
    if (all.differs && now - watch.unsettled_since >= kSayHeldUpAfter) {
      problem_once(events, fmt::format("{} has been written for {} s without a rest: no checkpoint is saved until it "
                                       "rests, or {} minutes are over",
                                       path, std::chrono::floor<seconds>(kSayHeldUpAfter).count(),
                                       std::chrono::floor<minutes>(options_.settle.restless_after).count()));
    }
    if (!checkpoint::is_restless(watch, now, options_.settle)) return;
    problem_once(events, path + " is written all the time: checkpoints are saved without it until it rests");
  };
  for (const auto& [path, tracked] : tracked_) say_restless(path, tracked.watch);
  for (const auto& [path, tracked] : links_) say_restless(path, tracked.watch);
}

bool CheckpointSync::has_too_long_a_key(const std::string& path, Events& events) {
  if (claim_.place.plain_key(path).size() <= checkpoint::kMaxPath) return false;
  problem_once(events, "not part of any checkpoint: " + path + ": its key would be too long");
  return true;
}

// Both are by path: one walk over what was there and what is there.
void CheckpointSync::observe(const FolderScan& scan, Duration since_last_look, Events& events) {
  for (const auto& what : scan.passed_over) problem_once(events, "not part of any checkpoint: " + what);
  const auto now = clock_.ticks();
  std::vector<checkpoint::FileChange> changes;
  std::vector<checkpoint::FileIdentity> gone;
  auto next = tracked_.begin();
  const auto forget_until = [&](const std::string* path) {
    while (next != tracked_.end() && (path == nullptr || next->first < *path)) {
      gone.push_back(next->second.file.identity);
      next = forget_file(next);
    }
  };
  for (const auto& file : scan.files) {
    if (has_too_long_a_key(file.path, events)) continue;
    forget_until(&file.path);
    std::optional<checkpoint::FileIdentity> was;
    if (next != tracked_.end() && next->first == file.path) {
      auto& [last, watch, rested] = next->second;
      was = last.identity;
      const bool was_whole = heard_.lost || heard_.news.contains(file.path) || was->inode != file.identity.inode;
      rested = rested || checkpoint::may_have_rested(since_last_look, was_whole, options_.settle);
      if (heard_.lost || heard_.news.contains(file.path) || *was != file.identity) {
        checkpoint::note_change(watch, now, was_renamed(file.path) && !heard_.lost, options_.settle);
      }
      last = file;
    } else {
      next = tracked_.emplace_hint(next, file.path, Tracked{file, watch_new(file)});
    }
    auto& watch = next->second.watch;
    watch.log = checkpoint::is_log(file.path, file.identity.size);
    const bool counts = watch.changed_at != kLongAgo && !checkpoint::is_restless(watch, now, options_.settle);
    if (was != file.identity && counts) changes.push_back({was, file.identity});
    ++next;
  }
  forget_until(nullptr);
  note_progress(changes, gone);
}

std::map<std::string, CheckpointSync::Tracked>::iterator CheckpointSync::forget_file(
    std::map<std::string, Tracked>::iterator file) {
  removed_at_ = clock_.ticks();
  forget_upload(file->first);
  if (marked_.erase(file->first) > 0) folder_.mark(file->first, Marker::none);
  return tracked_.erase(file);
}

FileWatch CheckpointSync::watch_new(const LocalFile& file) const {
  const auto stored = uploaded_.find(file.path);
  const bool as_restored = stored != uploaded_.end() && stored->second.identity == file.identity;
  const auto since = as_restored ? kLongAgo : clock_.ticks();
  return {.changed_at = since, .unsettled_since = since, .renamed_into_place = was_renamed(file.path)};
}

bool CheckpointSync::was_renamed(const std::string& path) const {
  const auto heard = heard_.news.find(path);
  return heard != heard_.news.end() && heard->second == FileNews::moved_here;
}

// A link is made at once and has nothing to be uploaded: it matters when it changed, and what it says now.
void CheckpointSync::observe_links(const FolderScan& scan, Events& events) {
  const auto now = clock_.ticks();
  auto before = std::exchange(links_, {});
  for (auto& link : checkpoint::links_beside(scan.files, scan.links)) {
    if (has_too_long_a_key(link.path, events)) continue;
    auto known = before.extract(link.path);
    auto& tracked = links_[link.path];
    const bool as_restored = known.empty() && std::ranges::binary_search(last_links_, link);
    const auto since = as_restored ? kLongAgo : now;
    tracked = known.empty() ? TrackedLink{link, FileWatch{.changed_at = since, .unsettled_since = since}}
                            : std::move(known.mapped());
    if (tracked.link != link) checkpoint::note_change(tracked.watch, now, false, options_.settle);
    if (tracked.watch.changed_at == now) last_change_ = now;
    tracked.link = std::move(link);
  }
  if (!before.empty()) removed_at_ = now;
}

void CheckpointSync::note_progress(const std::vector<checkpoint::FileChange>& changes,
                                   const std::vector<checkpoint::FileIdentity>& gone) {
  written_bytes_ += checkpoint::bytes_written(changes, gone);
  if (!changes.empty()) last_change_ = clock_.ticks();
}

// After a look: is there anything that the last generation does not have, and is it being written?
void CheckpointSync::note_whether_dirty() {
  const auto now = clock_.ticks();
  if (!view(false).differs) {
    dirty_since_.reset();
    return;
  }
  if (!dirty_since_) dirty_since_ = now;
  const bool open = std::ranges::any_of(tracked_, [&](const auto& one) {
    const auto& watch = one.second.watch;
    return watch.open && !checkpoint::is_restless(watch, now, options_.settle);
  });
  // Looking takes its time.
  if (open || last_change_ >= scanned_at_) saves_.changed(now, open);
}

void CheckpointSync::note_open_files() {
  if (!open_files_) return;
  const auto asked = clock_.ticks();
  const auto open = open_files_();
  program_gone_ = !open;
  if (open) alive_at_ = asked;
  // What it held open then is what matters.
  if (program_gone_) return;
  const std::set<std::pair<std::uint64_t, std::uint64_t>> held(open->begin(), open->end());
  const auto now = clock_.ticks();
  for (auto& [path, tracked] : tracked_) {
    const auto& identity = tracked.file.identity;
    checkpoint::note_open(tracked.watch, now, held.contains({identity.device, identity.inode}),
                          std::exchange(tracked.rested, false), options_.settle);
  }
}

// What has changed against the last generation, by name: its writer may be known to be in the middle of it.
void CheckpointSync::note_unfinished(const View& all, Events& events) {
  std::vector<checkpoint::NamedFile> files;
  files.reserve(tracked_.size());
  for (const auto& [path, tracked] : tracked_) files.push_back({path, !all.plan.unchanged[files.size()]});
  auto now_unfinished = checkpoint::unfinished(files);
  if (now_unfinished != unfinished_) unfinished_since_ = clock_.ticks();
  unfinished_ = std::move(now_unfinished);
  if (unfinished_.empty() || clock_.ticks() - unfinished_since_ < kSayUnfinishedAfter) return;
  problem_once(events, fmt::format("no checkpoint is saved until this one is complete, or {} minutes are over: {}",
                                   std::chrono::floor<minutes>(options_.settle.unfinished_for).count(), unfinished_));
}

CheckpointSync::View CheckpointSync::view(bool with_restless) const {
  const auto now = clock_.ticks();
  View seen;
  std::vector<const LocalFile*> files;
  std::vector<const FileWatch*> watches;
  std::vector<const ManifestFile*> logs;  // as they were last stored
  std::set<std::string> left_out;
  for (const auto& [path, tracked] : tracked_) {
    if (with_restless || !checkpoint::is_restless(tracked.watch, now, options_.settle)) {
      files.push_back(&tracked.file);
      watches.push_back(&tracked.watch);
      continue;
    }
    left_out.insert(path);
    const auto stored = uploaded_.find(path);
    if (is_restless_log(tracked.watch) && stored != uploaded_.end()) {
      logs.push_back(&stored->second.file);
    } else {
      seen.bytes_at_risk += tracked.file.identity.size;
    }
  }
  seen.plan = checkpoint::plan_transfer(files, uploaded_, last_files_);
  if (!logs.empty()) {
    seen.plan.stored.insert(seen.plan.stored.end(), logs.begin(), logs.end());
    std::ranges::sort(seen.plan.stored, {}, [](const auto* file) { return std::string_view(file->path); });
  }
  // A line in a log is no checkpoint, and waits for the next one; but a log may be all that a program keeps its results
  // in.
  const bool logs_count = with_restless || !last_commit_at_ || now - *last_commit_at_ >= kLogsWaitFor ||
                          std::ranges::all_of(tracked_, [](const auto& one) { return is_log(one.second.watch); });
  bool any_change = false;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const bool unchanged = seen.plan.unchanged[i];
    const bool counts = !unchanged && (logs_count || !is_log(*watches[i]));
    (counts ? seen.state.changed : seen.state.unchanged).push_back(*watches[i]);
    seen.differs_in_logs |= !unchanged && !counts;
    if (!counts) continue;
    any_change = true;
    seen.changed.push_back(files[i]->path);
    seen.bytes_at_risk += files[i]->identity.size;
  }
  seen.state.removed = static_cast<std::uint64_t>(
      std::ranges::count_if(seen.plan.deleted, [&](const auto& path) { return !left_out.contains(path); }));
  for (const auto& [path, tracked] : links_) {
    if (!with_restless && checkpoint::is_restless(tracked.watch, now, options_.settle)) continue;
    seen.links.push_back(tracked.link);
    const bool unchanged_link = std::ranges::binary_search(last_links_, tracked.link);
    (unchanged_link ? seen.state.unchanged : seen.state.changed).push_back(tracked.watch);
    any_change |= !unchanged_link;
  }
  for (const auto& link : last_links_) seen.state.removed += links_.contains(link.path) ? 0 : 1;
  seen.state.removed_at = removed_at_;
  if (!unfinished_.empty()) seen.state.unfinished_since = unfinished_since_;
  // A program that clears the directory is about to write into it: nobody wants to resume from nothing.
  seen.differs = !files.empty() && (any_change || seen.state.removed > 0);
  return seen;
}

Instant CheckpointSync::next_wakeup() const {
  if (held_ && !held_->to_upload.empty()) return std::max(clock_.ticks(), retry_at_.value_or(clock_.ticks()));
  if (!scanned_at_) return clock_.ticks();
  const auto gap = heard_.any ? std::min(kMinScanGap, options_.scan_interval) : options_.scan_interval;
  auto next = *scanned_at_ + gap;
  const auto seen = view(false);
  if (seen.plan.upload.empty() && seen.differs) {
    const auto quiet = checkpoint::quiet_at(seen.state, options_.settle);
    if (quiet > clock_.ticks()) next = std::min(next, quiet);
  }
  for (const auto& file : seen.plan.upload) {
    const auto& watch = tracked_.at(file.path).watch;
    if (seen.differs && !watch.open) next = std::min(next, watch.changed_at + options_.settle.quiet);
  }
  return retry_at_ ? std::max(next, *retry_at_) : next;
}

CheckpointFigures CheckpointSync::figures() const {
  const auto seen = view(false);
  CheckpointFigures figures{.last = last_,
                            .last_committed = last_committed_,
                            .bytes_at_risk = seen.bytes_at_risk,
                            .bytes_to_upload = 0,
                            .written_bytes = written_bytes_,
                            .dirty_since = dirty_since_,
                            .saving_since = {},
                            .unrest_since = {},
                            .store_trouble = retry_at_.has_value()};
  for (const auto& file : seen.plan.upload) figures.bytes_to_upload += file.identity.size;
  const auto now = clock_.ticks();
  for (const auto& [path, tracked] : tracked_) {
    const auto& watch = tracked.watch;
    if (is_settled(watch, now, options_.settle) || is_restless(watch, now, options_.settle)) continue;
    figures.unrest_since = std::min(figures.unrest_since.value_or(now), watch.unsettled_since);
  }
  if (saves_.saving(clock_.ticks(), options_.settle.quiet))
    figures.saving_since = last_change_.value_or(clock_.ticks()) - saves_.so_far();
  return figures;
}

void CheckpointSync::problem(Events& events, const Error& error, std::string_view what) {
  retry_at_ = clock_.ticks() + kRetryAfter;
  if (error.kind == Kind::invalid) return problem_once(events, fmt::format("{}: {}", what, error.message));
  // The store may be away for hours, and is asked every other second.
  if (trouble_said_at_ && clock_.ticks() - *trouble_said_at_ < kSayTroubleAgainAfter) return;
  trouble_said_at_ = clock_.ticks();
  events.push_back(CheckpointProblem{fmt::format("{}: {}", what, error.message), true});
}

void CheckpointSync::problem_once(Events& events, const std::string& what) {
  if (said_.size() < kMaxSaid && said_.insert(what).second) events.push_back(CheckpointProblem{what, false});
}

}  // namespace holdfast::agent
