// The part of CheckpointSync that speaks with the program: commits that it asks for, and SageMaker's marker files.
#include "agent/checkpoint_sync.hpp"

namespace holdfast::agent {
namespace {

// A file that changes under its upload is stored anew so often, then the program is told.
constexpr int kMaxPasses = 4;

}  // namespace

void CheckpointSync::mark_uploading(const std::vector<checkpoint::LocalFile>& files) {
  for (const auto& file : files) {
    folder_.mark(file.path, Marker::uploading);
    marked_[file.path] = "";
  }
}

// A program that reads the markers removes what it is told to be uploaded: so only what a generation has.
void CheckpointSync::mark_uploaded() {
  if (!options_.markers) return;
  for (const auto& file : last_files_) {
    const auto marked = marked_.find(file.path);
    if (marked == marked_.end() || marked->second == file.object) continue;
    // Another file may have its name by now, which is in no generation.
    const auto tracked = tracked_.find(file.path);
    const auto stored = uploaded_.find(file.path);
    const bool is_it = tracked != tracked_.end() && stored != uploaded_.end() &&
                       stored->second.identity == tracked->second.file.identity &&
                       stored->second.file.object == file.object;
    if (!is_it) continue;
    folder_.mark(file.path, Marker::uploaded);
    marked->second = file.object;
  }
}

// ---- as the program asks

AskedCommit CheckpointSync::commit_now() {
  AskedCommit asked;
  if (fenced_off_) {
    asked.answer = {CommitAnswer::What::too_late, std::nullopt,
                    fmt::format("attempt {} has taken over", fenced_off_->value)};
    return asked;
  }
  asked_ = true;
  held_.reset();
  if (retry_at_ && clock_.ticks() < *retry_at_) return asked;
  retry_at_.reset();
  asked.answer = try_to_commit(asked.events);
  if (untidy_ && !fenced_off_ && !retry_at_) tidy_up(asked.events);
  return asked;
}

std::optional<CommitAnswer> CheckpointSync::try_to_commit(Events& events) {
  std::string changed;
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    look(events, true);
    if (retry_at_ || fenced_off_) return std::nullopt;
    upload_logs(events);
    if (retry_at_) return std::nullopt;
    auto seen = view(false);
    if (!seen.differs && !seen.differs_in_logs) {
      if (!last_) return CommitAnswer{CommitAnswer::What::refused, std::nullopt, "there is no file in the directory"};
      return CommitAnswer{CommitAnswer::What::safe, last_, ""};
    }
    const auto came = upload(
        seen.plan.upload, [] { return false; }, events);
    if (retry_at_) return std::nullopt;
    if (came) {
      changed = *came;
      continue;
    }
    look(events, true);
    // Whatever it wrote since it asked may be half of something: the last pass judges that.
    if (program_gone_) return std::nullopt;
    seen = view(false);
    if (!seen.plan.upload.empty()) {
      changed = seen.plan.upload.front().path;
    } else if (commit(snapshot_of(seen), events)) {
      return CommitAnswer{CommitAnswer::What::safe, last_, ""};
    }
    if (retry_at_ || fenced_off_) return std::nullopt;
  }
  if (changed.empty()) return std::nullopt;
  return CommitAnswer{CommitAnswer::What::changed, std::nullopt,
                      changed + " changed while it was stored: ask when everything is written"};
}

}  // namespace holdfast::agent
