// Attempts that save and restore checkpoints in one place, each over a connection of its own that may break for good.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "agent/checkpoint_restore.hpp"
#include "agent/checkpoint_sync.hpp"
#include "agent/disk_folder.hpp"
#include "agent/tasks.hpp"
#include "conformance/object_store_faults.hpp"
#include "objects/file_store.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_dir.hpp"

namespace holdfast::testing {

using Files = std::map<std::string, std::string>;

// At which operation on the store a connection breaks: before it is done, or after, with the answer lost. With
// `meanwhile` that happens, and then the operation: as if the attempt had been asleep, if it is not `done`, and else as
// if its last request had been under way for so long.
struct Break {
  std::size_t at = 0;  // from 1; 0: never
  bool done = false;
  std::function<void()> meanwhile = nullptr;
};

// Everything fails from the break on, until it is mended.
class Connection {
 public:
  Connection(ports::ObjectStore& real, Break when);
  ports::ObjectStore& store() { return store_; }
  void mend() { arm({}); }
  // Counts from here.
  void arm(Break when);
  bool broken() const { return broken_; }
  std::size_t operations() const { return count_; }
  const std::map<std::string, std::size_t>& calls() const { return calls_; }

 private:
  FaultyStore store_;
  Break when_;
  std::size_t count_ = 0;
  bool broken_ = false;
  std::pair<std::string, std::string> last_;  // call and key of the operation that is done but not answered
  std::map<std::string, std::size_t> calls_;
};

// The place, and what is known of it.
struct CheckpointStory {
  TempDir dir;
  std::unique_ptr<objects::FileStore> objects;
  ManualClock clock;
  ports::S3Location location{"bucket", "ckpt/job-1"};
  std::uint64_t fences = 0;  // given out
  Fence living;              // the newest attempt that has started; older ones are zombies

  GenerationId handed_on;                     // what the newest attempt restored: a zombie may have meant that one
  GenerationId newest;                        // that anybody was told of
  std::map<GenerationId, Files> generations;  // those, as they were
  std::set<Files> states;                     // of the directory whenever something may have been committed

  CheckpointStory();
  // Of the newest generation's data, as a bad disk would do it; what counts is the one before.
  void damage_newest();
};

// One attempt on an instance of its own. The only place of these tests that makes what they test.
class CheckpointAttempt {
 public:
  CheckpointAttempt(CheckpointStory& story, Break when, std::size_t keep = 3);

  // Restores and begins to follow the directory. An error is what the connection or the ledger makes of it.
  Result<void> start();
  bool started() const { return sync_ != nullptr; }
  Connection& connection() { return connection_; }
  const agent::RestoredCheckpoint& restored() const { return *restored_; }
  // What it went on from is its own first generation from then on.
  std::optional<GenerationId> adopted() const {
    if (!restored_->generation) return std::nullopt;
    return GenerationId{fence_, restored_->claim.next_sequence - 1};
  }
  Files files() const;

  void write(const std::string& path, const std::string& bytes);
  void remove(const std::string& path);
  void rename(const std::string& from, const std::string& to);
  // Long enough for everything to be saved, if it ever is. What is committed is noted in the story.
  void settle();
  void flush(bool signalled);

 private:
  void note(const std::vector<agent::CheckpointEvent>& events);

  CheckpointStory& story_;
  Fence fence_;
  std::size_t keep_;
  std::filesystem::path dir_;
  Connection connection_;
  agent::ThreadTasks tasks_;
  std::unique_ptr<agent::DiskFolder> folder_;
  std::optional<agent::RestoredCheckpoint> restored_;
  std::unique_ptr<agent::CheckpointSync> sync_;
};

// What an attempt may have restored, by all that was told of before: fails the test where it did not.
void check_restored(const CheckpointStory& story, const CheckpointAttempt& attempt);

}  // namespace holdfast::testing
