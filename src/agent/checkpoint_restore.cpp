#include "agent/checkpoint_restore.hpp"

#include <algorithm>

#include "agent/checkpoint_ledger.hpp"
#include "agent/download.hpp"
#include "checkpoint/paths.hpp"

namespace holdfast::agent {
namespace {

using checkpoint::Ledger;
using checkpoint::Manifest;

// Each further try needs another attempt to have moved the ledger meanwhile, or another damaged generation.
constexpr int kMaxTries = 64;

struct Choice {
  std::optional<GenerationId> generation;
  bool never_any = false;  // no generation that counts, not even a bad one: plain files may be all there is
  bool newest = false;     // no newer one was passed over
};

// What became of one generation: restored, or `bad` and why, or neither, when it vanished while we read it.
struct Tried {
  bool restored = false;
  std::optional<std::string> bad;
};

void remove_generation(Folder& folder, const Manifest& manifest) {
  for (const auto& file : manifest.files) folder.remove(file.path);
  for (const auto& link : manifest.links) folder.remove(link.path);
}

class Restore {
 public:
  Restore(ports::ObjectStore& store, CheckpointPlace place, Folder& folder, const JobName& job, Fence fence,
          std::uint64_t& next_sequence, Clock& clock, Tasks& tasks)
      : store_(store),
        ledger_(store, place),
        folder_(folder),
        next_sequence_(next_sequence),
        clock_(clock),
        tasks_(tasks) {
    result_.claim.place = std::move(place);
    result_.claim.job = job;
    result_.claim.fence = fence;
  }

  Result<RestoredCheckpoint> run(const ports::S3Location& location) {
    for (int i = 0; i < kMaxTries; ++i) {
      const auto choice = claim();
      if (!choice) return fail(choice.error());
      if (!choice->generation) {
        // Before the plain files: should it fail, none of them lies there when the next try chooses something else.
        if (auto noted = ledger_.put_anew(result_.claim.fence); !noted) return fail(noted.error());
        if (choice->never_any) {
          if (auto restored = restore_plain(location); !restored) return fail(restored.error());
        }
        return done();
      }
      const auto tried = restore_generation(*choice);
      if (!tried) return fail(tried.error());
      if (tried->restored) return done();
      if (!tried->bad) continue;
      if (auto marked = ledger_.quarantine(*choice->generation, *tried->bad); !marked) return fail(marked.error());
      result_.quarantined.push_back({*choice->generation, *tried->bad});
    }
    return fail(Kind::try_again, "{}: no generation could be restored in {} tries", place().own_key(""), kMaxTries);
  }

 private:
  RestoredCheckpoint done() {
    result_.claim.next_sequence = next_sequence_;
    return std::move(result_);
  }

  const CheckpointPlace& place() const { return result_.claim.place; }

  // Writes the opening, and chooses again where an older attempt committed in between: once the choice stands still,
  // that attempt has seen us or is at most in the middle of its last step.
  Result<Choice> claim() {
    auto choice = choose();
    for (int i = 0; choice && i < kMaxTries; ++i) {
      if (auto written = write_opening(*choice); !written) return fail(written.error());
      auto again = choose();
      if (!again || again->generation == choice->generation) return again;
      choice = std::move(again);
    }
    if (!choice) return choice;
    return fail(Kind::try_again, "{}: an older attempt commits faster than we look", place().own_key(""));
  }

  Result<Choice> choose() {
    const auto fence = result_.claim.fence;
    auto ledger = ledger_.read(fence);
    if (!ledger) return fail(ledger.error());
    if (const auto newest = ledger->newest_fence(); newest && *newest > fence) {
      return fail(Kind::conflict, "s3://{}/{}: attempt {} has opened it, which is newer than this one, {}",
                  place().bucket, place().prefix, newest->value, fence.value);
    }
    const auto order = checkpoint::restore_order(*ledger);
    auto all = *ledger;
    all.quarantined.clear();
    const auto all_order = checkpoint::restore_order(all);
    Choice choice;
    if (!order.empty()) choice.generation = order.front();
    choice.never_any = all_order.empty() && ledger->quarantined.empty();
    choice.newest = !order.empty() && all_order.front() == order.front();
    return choice;
  }

  Result<void> write_opening(const Choice& choice) {
    const auto fence = result_.claim.fence;
    // Started a second time after commits of our own: the opening stands as it was.
    if (choice.generation && choice.generation->fence == fence) {
      const auto own = ledger_.read_manifest(*choice.generation);
      if (!own) return fail(own.error());
      if (*own) result_.claim.based_on = (*own)->based_on;
      return {};
    }
    result_.claim.based_on = choice.generation;
    return ledger_.put_manifest({.job = result_.claim.job.value,
                                 .id = {fence, 0},
                                 .created = clock_.now(),
                                 .based_on = choice.generation,
                                 .files = {}});
  }

  Result<Tried> restore_generation(const Choice& choice) {
    const auto id = *choice.generation;
    const auto manifest = ledger_.read_manifest(id);
    if (!manifest && manifest.error().kind == Kind::not_found) return Tried{};
    if (!manifest) return fail(manifest.error());
    if (!*manifest) return Tried{.restored = false, .bad = "its manifest is damaged"};
    const auto identities = bring_generation(store_, place(), **manifest, folder_, tasks_);
    if (!identities) return judge(id, identities.error());
    if (auto adopted = adopt(**manifest); !adopted) {
      // The next try may be of another generation, and what of this one would lie beside it would be half of a
      // checkpoint.
      remove_generation(folder_, **manifest);
      return fail(adopted.error());
    }
    take(**manifest, *identities, choice.newest);
    return Tried{.restored = true, .bad = {}};
  }

  // The generation that is gone on from, as this attempt's own first one: whatever opening arrives last, a manifest
  // says from here on what was chosen (docs/decisions/0011).
  Result<void> adopt(const Manifest& restored) {
    const auto fence = result_.claim.fence;
    if (restored.id.fence == fence) return {};
    return ledger_.put_manifest({.job = result_.claim.job.value,
                                 .id = {fence, next_sequence_++},
                                 .created = clock_.now(),
                                 .based_on = restored.id,
                                 .files = restored.files,
                                 .links = restored.links,
                                 .number = restored.number,
                                 .metrics = restored.metrics});
  }

  Result<Tried> judge(GenerationId id, const Error& error) {
    if (error.kind == Kind::conflict || error.kind == Kind::invalid)
      return Tried{.restored = false, .bad = error.message};
    if (error.kind != Kind::not_found) return fail(error);
    // Cleaned up by an older attempt together with its manifest, or lost on its own?
    const auto manifest = store_.head(place().bucket, place().own_key(checkpoint::manifest_name(id)));
    if (manifest) return Tried{.restored = false, .bad = error.message};
    if (manifest.error().kind != Kind::not_found) return fail(manifest.error());
    return Tried{};
  }

  void take(const Manifest& manifest, const std::vector<checkpoint::FileIdentity>& identities, bool newest) {
    result_.generation = manifest.id;
    result_.files = manifest.files.size();
    result_.bytes = checkpoint::total_bytes(manifest);
    result_.claim.restored = manifest.id;
    result_.claim.number = manifest.number;
    result_.claim.files = manifest.files;
    result_.claim.links = manifest.links;
    // An older attempt that has not noticed us yet keeps what its newest generations need, and no more: after a step
    // back everything is uploaded anew rather than referred to.
    if (!newest) return;
    for (std::size_t i = 0; i < identities.size(); ++i) {
      result_.claim.uploaded[manifest.files[i].path] = {identities[i], manifest.files[i]};
    }
  }

  Result<void> restore_plain(const ports::S3Location& location) {
    const auto objects = list_all(store_, place().bucket, place().prefix, checkpoint::kMaxFiles);
    if (!objects) return fail(objects.error());
    std::vector<Download> files;
    for (const auto& object : *objects) {
      const auto path = object.key.substr(place().prefix.size());
      if (path.empty() || path.ends_with('/') || checkpoint::is_excluded(path)) continue;
      files.push_back({.key = object.key, .path = path, .size = object.size, .hash = ""});
    }
    if (files.empty()) {
      auto single = single_object(location);
      if (!single) return fail(single.error());
      files = std::move(*single);
    }
    if (auto done = download_files(store_, place().bucket, files, folder_, tasks_); !done) return fail(done.error());
    result_.plain = !files.empty();
    result_.files = files.size();
    for (const auto& file : files) {
      result_.bytes += file.size.value_or(0);
      if (file.key == place().plain_key(file.path)) result_.claim.plain_paths.push_back(file.path);
    }
    return {};
  }

  // The S3Uri may name one object instead of a folder.
  Result<std::vector<Download>> single_object(const ports::S3Location& location) {
    if (location.key.empty() || location.key.ends_with('/')) return std::vector<Download>{};
    const auto object = store_.head(location.bucket, location.key);
    if (!object && object.error().kind == Kind::not_found) return std::vector<Download>{};
    if (!object) return fail(object.error());
    return std::vector<Download>{{.key = location.key,
                                  .path = location.key.substr(location.key.rfind('/') + 1),
                                  .size = object->size,
                                  .hash = ""}};
  }

  ports::ObjectStore& store_;
  LedgerStore ledger_;
  Folder& folder_;
  std::uint64_t& next_sequence_;
  Clock& clock_;
  Tasks& tasks_;
  RestoredCheckpoint result_;
};

std::vector<Download> downloads_of(const Manifest& manifest, const CheckpointPlace& place) {
  std::vector<Download> files;
  for (const auto& file : manifest.files) {
    files.push_back({.key = place.own_key(file.object),
                     .offset = file.offset.value_or(0),
                     .path = file.path,
                     .size = file.size,
                     .hash = file.hash,
                     .mtime_ns = file.mtime_ns,
                     .mode = file.mode});
  }
  return files;
}

}  // namespace

Result<std::vector<checkpoint::FileIdentity>> bring_generation(ports::ObjectStore& store, const CheckpointPlace& place,
                                                               const Manifest& manifest, Folder& folder, Tasks& tasks) {
  auto identities = download_files(store, place.bucket, downloads_of(manifest, place), folder, tasks);
  if (!identities) return identities;
  for (const auto& link : manifest.links) {
    const auto made = folder.make_link(link);
    if (made) continue;
    remove_generation(folder, manifest);
    return fail(made.error());
  }
  return identities;
}

Result<RestoredCheckpoint> restore_checkpoint(ports::ObjectStore& store, const ports::S3Location& location,
                                              Folder& folder, const JobName& job, Fence fence,
                                              std::uint64_t& next_sequence, Clock& clock, Tasks& tasks) {
  const auto exists = store.bucket_exists(location.bucket);
  if (!exists) return fail(exists.error());
  if (!*exists) return fail(Kind::not_found, "s3://{}: there is no such bucket", location.bucket);
  return Restore(store, checkpoint_place(location), folder, job, fence, next_sequence, clock, tasks).run(location);
}

}  // namespace holdfast::agent
