// Follows the checkpoint directory of a running program: uploads files as they settle, and commits a generation when
// the directory is quiet. One thread calls it; uploads happen inside step() and flush().
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
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
#include "agent/checkpoint_watch.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "checkpoint/manifest.hpp"
#include "checkpoint/settle.hpp"

namespace holdfast::agent {

// (device, inode) of the files that the program holds open for writing now.
using OpenFiles = std::function<std::vector<std::pair<std::uint64_t, std::uint64_t>>()>;

struct CheckpointSyncOptions {
  checkpoint::SettleOptions settle;
  Duration scan_interval{1000};  // the safety net below inotify
  std::size_t keep = 3;          // generations; at least 2, see checkpoint/retention.hpp
};

struct CheckpointCommitted {
  checkpoint::GenerationId id;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;           // of all its files
  std::uint64_t uploaded_bytes = 0;  // of those that were new
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
  Instant at;
  bool signalled = false;  // as ports::ProgramExit has it
};
enum class FlushOutcome {
  saved,     // the newest generation holds everything that is in the directory
  partial,   // something could not be trusted or stored; the last committed generation stands
  too_late,  // the deadline came first; the last committed generation stands
};
struct FlushResult {
  FlushOutcome outcome = FlushOutcome::partial;
  std::optional<checkpoint::GenerationId> generation;  // the newest one that a restore would use
  std::uint64_t bytes_left_behind = 0;
  std::string why;  // for people; empty when saved
  std::vector<CheckpointEvent> events;
};

struct CheckpointFigures {
  std::optional<checkpoint::GenerationId> last;
  std::optional<Instant> last_committed;
  std::uint64_t bytes_at_risk = 0;  // changed since the last generation
  std::uint64_t uploaded_bytes = 0;
  std::uint64_t upload_bytes_per_second = 0;  // of the latest uploads; 0: not known yet
};

class CheckpointSync {
 public:
  // Kind::conflict: a newer attempt has opened the ledger.
  static Result<std::unique_ptr<CheckpointSync>> open(ports::ObjectStore& store, Clock& clock, OpenFiles open_files,
                                                      CheckpointSyncOptions options, CheckpointClaim claim,
                                                      std::filesystem::path local_dir);
  ~CheckpointSync();

  // Looks, uploads what has settled (a bounded number of files), commits when quiet. Call it when watch_fd() is
  // readable or next_wakeup() has come; calling it at any other time does no harm.
  std::vector<CheckpointEvent> step();
  // Without `end` the program still runs: one pass under the usual rules. With it: no waiting for quiet after a program
  // that ended by itself; after a death by signal only what was without doubt complete before it.
  FlushResult flush(Instant deadline, std::optional<ProgramEnd> end);

  int watch_fd() const { return watch_.fd(); }
  Instant next_wakeup() const;
  CheckpointFigures figures() const;
  bool fenced_off() const { return fenced_off_.has_value(); }

 private:
  struct Listing;
  CheckpointSync(ports::ObjectStore& store, Clock& clock, OpenFiles open_files, CheckpointSyncOptions options,
                 CheckpointClaim claim, std::filesystem::path local_dir, DirectoryWatch watch);
};

}  // namespace holdfast::agent
