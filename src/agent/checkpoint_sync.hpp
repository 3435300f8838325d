// Follows the checkpoint directory of a running program: uploads files as they settle, and commits a generation of what
// lay there in a quiet moment. One thread calls it; uploads happen inside step() and flush().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/checkpoint_ledger.hpp"
#include "agent/checkpoint_place.hpp"
#include "agent/checkpoint_upload.hpp"
#include "agent/commit_requests.hpp"
#include "agent/folder.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "checkpoint/manifest.hpp"
#include "checkpoint/retention.hpp"
#include "checkpoint/safety.hpp"
#include "checkpoint/settle.hpp"
#include "checkpoint/transfer_plan.hpp"

namespace holdfast::agent {

// (device, inode) of the files that the program holds open for writing now; none once it has ended.
// Null: there is nobody to ask, and nothing is held open.
using OpenFiles = std::function<std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>>()>;

struct CheckpointSyncOptions {
  checkpoint::SettleOptions settle;
  Duration scan_interval{1000};              // the safety net below inotify
  std::size_t pack_at_least = kPackAtLeast;  // small files that are stored together
  // Bytes of a file that is copied into memory when its checkpoint is seen to be whole. Larger ones are held open,
  // which does not help where a program writes over them before they are stored, as many do with a small "latest".
  std::uint64_t copy_up_to = 64u << 10;
  bool markers = false;  // SageMaker's marker files, see Folder::mark()
  checkpoint::RetentionPolicy retention = {};
  // How good a checkpoint of now would be: the last values that the program has printed.
  std::function<std::map<std::string, double>()> metrics = {};
};

struct CheckpointCommitted {
  GenerationId id;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;           // of all its files
  std::uint64_t uploaded_bytes = 0;  // of those that were new
  Duration wrote{0};                 // from the first change to the last
  Duration safe_after{0};            // from the last change until now
  Duration commit_took{0};           // of that: from the last upload on
};
// A newer attempt has opened the ledger. Nothing is written any more, ever.
struct CheckpointFencedOff {
  Fence newer;
};
struct CheckpointProblem {
  std::string what;
  bool retryable = false;  // true: we go on trying; false: said once, and it stays so until the user acts
};
using CheckpointEvent = std::variant<CheckpointCommitted, CheckpointFencedOff, CheckpointProblem>;

struct ProgramEnd {
  Instant at;              // in ticks of the clock: when we heard of it
  bool signalled = false;  // as ports::ProgramExit has it
};
enum class FlushOutcome {
  saved,     // the newest generation holds everything that is in the directory
  partial,   // something could not be trusted or stored; the last committed generation stands
  too_late,  // the deadline came first; the last committed generation stands
};
struct FlushResult {
  FlushOutcome outcome = FlushOutcome::partial;
  std::optional<GenerationId> generation;  // the newest one that a restore would use
  std::uint64_t bytes_left_behind = 0;
  std::string why;  // for people; empty when saved
  std::vector<CheckpointEvent> events;
};

struct CheckpointFigures {
  std::optional<GenerationId> last;
  std::optional<Instant> last_committed;
  std::uint64_t bytes_at_risk = 0;      // changed since the last generation; lines in logs are not
  std::uint64_t bytes_to_upload = 0;    // of those: not in the store yet
  std::uint64_t written_bytes = 0;      // by the program, since the start
  std::optional<Instant> dirty_since;   // in ticks: the first change that no generation has
  std::optional<Instant> saving_since;  // in ticks: the program may be in the middle of a save
  std::optional<Instant> unrest_since;  // in ticks: since when a file that is waited for has not rested
  bool store_trouble = false;           // what was tried last failed, and is tried again
};
// What came of a commit that was asked for. Without an answer: the store is away, ask again.
struct AskedCommit {
  std::optional<CommitAnswer> answer;
  std::vector<CheckpointEvent> events;
};

class CheckpointSync {
 public:
  // Kind::conflict: a newer attempt has opened the ledger.
  static Result<std::unique_ptr<CheckpointSync>> open(ports::ObjectStore& store, Clock& clock, Tasks& tasks,
                                                      OpenFiles open_files, CheckpointSyncOptions options,
                                                      CheckpointClaim claim, Folder& folder);
  ~CheckpointSync();

  // Looks, uploads what has settled (a bounded part of it), commits when quiet and while the program lives: after its
  // end nothing moves any more, and that says nothing. Call it when the folder has changes or next_wakeup() has come;
  // calling it at any other time does no harm.
  std::vector<CheckpointEvent> step();
  // The program says that what is in the directory now is a checkpoint: it is uploaded and committed without waiting
  // for a quiet moment. From then on nothing is committed that was not asked for, until the program's end: what such a
  // program leaves half written may look quiet.
  AskedCommit commit_now();
  // Without `end` the program still runs: one pass under the usual rules. With it: no waiting for quiet after a program
  // that ended by itself; after a death by signal only what was without doubt complete before it, be it the checkpoint
  // before the one that was cut off.
  // The deadline is in ticks of the clock, as are the times of all that is noticed here: a clock that is set must not
  // look like a quiet moment.
  FlushResult flush(Instant deadline, std::optional<ProgramEnd> end);

  Instant next_wakeup() const;  // in ticks
  CheckpointFigures figures() const;
  bool fenced_off() const { return fenced_off_.has_value(); }

 private:
  using Events = std::vector<CheckpointEvent>;
  struct Tracked {
    checkpoint::LocalFile file;
    checkpoint::FileWatch watch;
    bool rested = false;  // see checkpoint::note_open; since what is open was last looked at
  };
  struct TrackedLink {
    checkpoint::Link link;
    checkpoint::FileWatch watch;
  };
  // The directory as last seen, against what is stored; until the next upload or look.
  struct View {
    checkpoint::TransferPlan plan;
    std::vector<checkpoint::Link> links;
    std::vector<std::string> changed;  // paths, against the last generation
    checkpoint::DirectoryState state;
    bool differs = false;          // from the last generation, in a way that may become one
    bool differs_in_logs = false;  // which wait for the next one
    std::uint64_t bytes_at_risk = 0;
  };

  CheckpointSync(ports::ObjectStore& store, Clock& clock, Tasks& tasks, OpenFiles open_files,
                 CheckpointSyncOptions options, CheckpointClaim claim, Folder& folder);
  Result<void> take_up_ledger();

  void look(Events& events, bool now_and_whole);
  void observe(const FolderScan& scan, Duration since_last_look, Events& events);
  std::map<std::string, Tracked>::iterator forget_file(std::map<std::string, Tracked>::iterator file);
  checkpoint::FileWatch watch_new(const checkpoint::LocalFile& file) const;
  bool was_renamed(const std::string& path) const;
  void observe_links(const FolderScan& scan, Events& events);
  bool has_too_long_a_key(const std::string& path, Events& events);
  void note_open_files();
  void note_unfinished(const View& all, Events& events);
  void note_progress(const std::vector<checkpoint::FileChange>& changes,
                     const std::vector<checkpoint::FileIdentity>& gone);
  void note_whether_dirty();
  std::optional<CommitAnswer> try_to_commit(Events& events);
  void mark_uploading(const std::vector<checkpoint::LocalFile>& files);
  void mark_uploaded();
  View view(bool with_restless) const;

  void upload_settled(std::vector<checkpoint::LocalFile> files, Events& events);
  // A checkpoint as it was in the moment in which it was seen to be whole, with what follows from that moment. What is
  // not stored yet is copied or held open, so that the program may replace or remove it meanwhile; written over, it is
  // lost, unless it is small.
  struct Snapshot {
    Instant seen_at;
    std::optional<Instant> last_change, removed_at;  // as known then
    std::vector<checkpoint::ManifestFile> files;     // that are stored
    std::vector<checkpoint::Link> links;
    std::map<std::string, checkpoint::FileIdentity> seen;  // all but logs
    std::set<std::string> changed;                         // those of them that the last generation does not have
    std::set<std::string> visitors;                        // not among them, but heard of since beside those
    bool news_lost = false;                                // there were more than anybody could keep
    std::size_t burst = 0;                                 // files and links that the last generation does not have
    Duration wrote{0};
    std::map<std::string, double> metrics;
    std::vector<checkpoint::LocalFile> to_upload = {};
    Uploader::Opened opened = {};
  };
  // What the program has written since a snapshot.
  enum class Since {
    nothing,
    more,  // the quiet may have been a pause in the middle of a save
    next,  // another save: all that was new in it was replaced, or there are later steps beside it
  };
  std::map<std::string, checkpoint::FileIdentity> files_of_a_save() const;
  static void note_visitors(Snapshot& snapshot, const FolderChanges& changes);
  bool is_there(const std::string& path) const;
  Since what_came_after(const Snapshot& snapshot) const;
  Snapshot snapshot_of(const View& seen) const;
  void hold_what_is_whole(Events& events);
  void upload_held(const std::function<bool()>& over, Events& events);
  void finish_held(Instant deadline, Events& events);
  bool is_whole(const View& seen) const;
  bool can_be_held(const std::vector<checkpoint::LocalFile>& files) const;

  std::optional<std::string> upload(const std::vector<checkpoint::LocalFile>& files, const std::function<bool()>& over,
                                    Events& events, Uploader::Expect expect = Uploader::Expect::unchanged,
                                    const Uploader::Opened& opened = {});
  void upload_logs(Events& events);
  bool is_restless_log(const checkpoint::FileWatch& watch) const;
  Uploader::Known known_contents() const;
  void keep_upload(const std::string& path, checkpoint::UploadedFile file);
  void forget_upload(const std::string& path);
  template <class See>
  void each_protected(const See& see) const;
  void discard_unclaimed();
  bool still_stored(const std::vector<checkpoint::ManifestFile>& files, Events& events);
  bool commit(Snapshot snapshot, Events& events);
  bool check_fence(Events& events);
  void tidy_up(Events& events);
  Result<void> learn_plain_view();
  Result<void> follow_in_plain_view();
  Result<void> put_in_plain_view(const checkpoint::ManifestFile& file);
  Result<void> remove_all(const std::vector<std::string>& names,
                          const std::function<std::string(const std::string&)>& key_of);
  Result<void> remove_what_may_go();
  Result<checkpoint::RetentionInput> retention_input();

  bool leaves_out_a_file() const;
  FlushOutcome flush_after_end(Instant deadline, const ProgramEnd& end, FlushResult& result);
  void problem(Events& events, const Error& error, std::string_view what);
  void problem_once(Events& events, const std::string& what);

  ports::ObjectStore& store_;
  Clock& clock_;
  Tasks& tasks_;
  OpenFiles open_files_;
  CheckpointSyncOptions options_;
  CheckpointClaim claim_;
  LedgerStore ledger_;
  Folder& folder_;
  Uploader uploader_;

  std::map<std::string, Tracked> tracked_;
  std::map<std::string, TrackedLink> links_;
  std::map<std::string, checkpoint::UploadedFile> uploaded_;
  // Contents of files that are gone or others by now, until the next generation: they may come back under another name.
  std::vector<checkpoint::UploadedFile> left_over_;
  std::set<std::string> unclaimed_;  // objects of ours that no manifest can name yet
  std::optional<Snapshot> held_;     // not committed yet
  FolderChanges heard_;              // since the last scan
  std::optional<Instant> scanned_at_;
  std::optional<Instant> removed_at_;
  std::string unfinished_;  // what is known to be half written, and since when we know
  Instant unfinished_since_;

  std::uint64_t next_sequence_ = 1;
  std::uint64_t number_ = 0;  // of the last generation, see checkpoint::Manifest
  std::optional<GenerationId> last_;
  std::optional<Instant> last_committed_;
  std::optional<Instant> last_commit_at_;  // the same in ticks; by this process
  std::vector<checkpoint::ManifestFile> last_files_;
  std::vector<checkpoint::Link> last_links_;
  std::size_t last_burst_ = 0;  // files and links that the last generation brought

  std::map<std::string, std::string> plain_;  // what we know to lie in the plain view: path to where(), "" unknown
  bool plain_known_ = false;
  bool untidy_ = false;  // the plain view and the ledger are behind the last generation
  bool untidy_said_ = false;
  bool in_doubt_ = false;                 // a manifest without an answer may still arrive: nothing that it names may go
  std::optional<Instant> tidy_again_at_;  // after trouble with that
  std::optional<Fence> fenced_off_;
  std::optional<Instant> retry_at_;         // after trouble with the store
  std::optional<Instant> trouble_said_at_;  // since the last commit
  std::set<std::string> said_;
  bool ended_ = false;         // the program, as we were told
  bool program_gone_ = false;  // it was not there when we last looked for it
  Instant alive_at_;           // and when it was there
  bool asked_ = false;         // it says itself when there is a checkpoint
  checkpoint::SaveTimer saves_;
  std::optional<Instant> dirty_since_, last_change_;
  std::uint64_t written_bytes_ = 0;
  std::map<std::string, std::string>
      marked_;  // path to the object that its marker speaks of; "" of an upload under way
  std::uint64_t uploaded_since_commit_ = 0;
};

}  // namespace holdfast::agent
