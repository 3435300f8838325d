// When may a file be uploaded, and when may a generation be committed? All times are our own clock's ticks, taken when
// a change was noticed: a file's own times can be set by its program.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "checkpoint/known_writers.hpp"

namespace holdfast::checkpoint {

struct SettleOptions {
  // Nothing changed for this long: the program is not in the middle of writing a checkpoint.
  Duration quiet{500};
  // When a generation would only take files away: some programs delete the old file before they write the new one.
  Duration deletions_quiet{10'000};
  // A change noticed this shortly before a death by signal may be the death itself, closing files half written.
  Duration death_suspicion{500};
  // What known_writers.hpp calls unfinished is waited for; longer than any gathering of a state takes, and not for
  // ever: a name can deceive.
  Duration unfinished_for{600'000};
  // A file that never settles, a log say, must not keep the others from being saved: after this long it is left out.
  // Far longer than any checkpoint takes to write, or half of one would be committed.
  Duration restless_after{600'000};
  // The same of a file that looks like a log: longer than it takes to write a file of that kind at once.
  Duration log_restless_after{10'000};
  // Between two looks that lie further apart anything may have rested. Looks are a second apart, but for long uploads.
  Duration watched{60'000};
};

struct FileWatch {
  Instant changed_at;               // the last change that we noticed
  Instant unsettled_since;          // the beginning of the present run of changes
  bool open = false;                // held open for writing when we last looked
  bool renamed_into_place = false;  // the last change was a rename: what is there was complete before it appeared
  Log log = Log::no;                // then it need not settle

  bool operator==(const FileWatch&) const = default;
};

inline bool is_log(const FileWatch& file) { return file.log != Log::no; }
bool is_settled(const FileWatch& file, Instant now, const SettleOptions& options);
bool is_restless(const FileWatch& file, Instant now, const SettleOptions& options);
void note_change(FileWatch& file, Instant now, bool renamed_into_place, const SettleOptions& options);
// `rested`: since the last look it may have been whole for a while, as may_have_rested says. A look that always falls
// into a save must not take what is saved again and again for what is written all the time.
void note_open(FileWatch& file, Instant now, bool open, bool rested, const SettleOptions& options);
// Of a look `since_last_look`; `was_whole`: what lies there was closed, or is another file than it was.
bool may_have_rested(Duration since_last_look, bool was_whole, const SettleOptions& options);

// The directory against the last generation.
struct DirectoryState {
  // Files and links that the last generation does not have as they are now; no restless ones.
  std::vector<FileWatch> changed;
  std::vector<FileWatch> unchanged;
  std::uint64_t removed = 0;                     // that the last generation has and the directory does not
  std::optional<Instant> removed_at;             // when we last noticed one going
  std::optional<Instant> unfinished_since = {};  // when we first saw the checkpoint that is known to be half there
};

// The present state may become a generation: nothing is being written, as far as one can see.
bool is_quiet(const DirectoryState& state, Instant now, const SettleOptions& options);

// The same after a death by signal, where the program was known to live until `died`. Files open when last looked are
// torn. What had been quiet before the death is as good as ever. Later changes count only if they are one file renamed
// into place, and the program is known to write one file at a time (`previous_burst`: files that the last generation of
// this attempt brought; 0: not known).
bool is_complete_at_death(const DirectoryState& state, Instant died, std::size_t previous_burst,
                          const SettleOptions& options);

// When the answer of is_quiet may next become true without anything happening.
Instant quiet_at(const DirectoryState& state, const SettleOptions& options);

}  // namespace holdfast::checkpoint
