#include "checkpoint/settle.hpp"

#include <algorithm>

namespace holdfast::checkpoint {
namespace {

Instant last_change(const DirectoryState& state) {
  Instant last = state.removed_at.value_or(Instant{});
  for (const auto& file : state.changed) last = std::max(last, file.changed_at);
  for (const auto& file : state.unchanged) last = std::max(last, file.changed_at);
  return last;
}

bool any_open(const DirectoryState& state) {
  const auto open = [](const FileWatch& file) { return file.open; };
  return std::ranges::any_of(state.changed, open) || std::ranges::any_of(state.unchanged, open);
}

}  // namespace

bool is_settled(const FileWatch& file, Instant now, const SettleOptions& options) {
  return !file.open && now - file.changed_at >= options.quiet;
}

bool is_restless(const FileWatch& file, Instant now, const SettleOptions& options) {
  if (is_settled(file, now, options)) return false;
  const auto after = file.log == Log::certain  ? Duration{0}
                     : file.log == Log::likely ? options.log_restless_after
                                               : options.restless_after;
  return now - file.unsettled_since >= after;
}

void note_change(FileWatch& file, Instant now, bool renamed_into_place, const SettleOptions& options) {
  if (is_settled(file, now, options)) file.unsettled_since = now;
  file.changed_at = now;
  file.renamed_into_place = renamed_into_place;
}

bool may_have_rested(Duration since_last_look, bool was_whole, const SettleOptions& options) {
  return since_last_look > options.watched || (was_whole && since_last_look >= options.quiet);
}

void note_open(FileWatch& file, Instant now, bool open, bool rested, const SettleOptions& options) {
  if (open && (rested || is_settled(file, now, options))) file.unsettled_since = now;
  if (open) file.renamed_into_place = false;
  // The writer was there until we saw it gone: the quiet begins now.
  if (file.open && !open) file.changed_at = now;
  file.open = open;
}

bool is_quiet(const DirectoryState& state, Instant now, const SettleOptions& options) {
  return !any_open(state) && now >= quiet_at(state, options);
}

Instant quiet_at(const DirectoryState& state, const SettleOptions& options) {
  const bool only_deletions = state.changed.empty() && state.removed > 0;
  const auto after_deletion =
      state.removed_at && only_deletions ? *state.removed_at + options.deletions_quiet : Instant{};
  const auto finished = state.unfinished_since ? *state.unfinished_since + options.unfinished_for : Instant{};
  return std::max({last_change(state) + options.quiet, after_deletion, finished});
}

bool is_complete_at_death(const DirectoryState& state, Instant died, std::size_t previous_burst,
                          const SettleOptions& options) {
  if (any_open(state)) return false;
  if (state.unfinished_since && died - *state.unfinished_since < options.unfinished_for) return false;
  if (last_change(state) <= died - std::max(options.quiet, options.death_suspicion)) return true;
  return state.changed.size() == 1 && state.changed.front().renamed_into_place && previous_burst == 1;
}

}  // namespace holdfast::checkpoint
