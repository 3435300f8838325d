// What the tests of checkpoints share: a real store and real directories, a clock that stands still, attempts.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/checkpoint_ledger.hpp"
#include "agent/checkpoint_restore.hpp"
#include "agent/checkpoint_sync.hpp"
#include "agent/disk_folder.hpp"
#include "conformance/object_store_faults.hpp"
#include "objects/file_store.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_dir.hpp"

namespace holdfast::testing {

namespace fs = std::filesystem;
using namespace holdfast::agent;
using Files = std::map<std::string, std::string>;

inline GenerationId generation(std::uint64_t fence, std::uint64_t sequence) { return {Fence{fence}, sequence}; }

// Contents by path; of a link "-> TARGET".
inline Files files_in(const fs::path& directory) {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_symlink()) {
      files[entry.path().lexically_relative(directory).string()] = "-> " + fs::read_symlink(entry.path()).string();
    }
    if (entry.is_symlink() || !entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().lexically_relative(directory).string()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

// The kernel's clock ticks every few milliseconds, and these tests take no time: no two writes have the same time here.
inline void stamp(const fs::path& path) {
  static std::int64_t ticks = 0;  // of the whole test program
  ++ticks;
  const timespec time{1'600'000'000 + ticks / 1000, ticks % 1000 * 1'000'000};
  const timespec times[2] = {time, time};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

inline void write_in_place(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
  stamp(path);
}

// As `ln -sfn` does it.
inline void write_link(const fs::path& path, const std::string& target) {
  fs::create_directories(path.parent_path());
  fs::remove(path);
  fs::create_symlink(target, path);
}

// As careful programs do it.
inline void write_renamed(const fs::path& path, const std::string& bytes) {
  const auto beside = path.string() + ".sagemaker-ignore";
  write_in_place(beside, bytes);
  fs::rename(beside, path);
}

struct World {
  TempDir dir;
  std::unique_ptr<objects::FileStore> files =
      objects::FileStore::open(dir / "objects", objects::Durability::process).value();
  FaultyStore store{*files};
  ManualClock clock;
  ports::S3Location location{"bucket", "ckpt/job-1"};

  World() { REQUIRE(files->create_bucket("bucket")); }

  std::string own_key(const std::string& name) const { return "ckpt/job-1/.holdfast/" + name; }
  std::vector<std::string> keys(const std::string& prefix) {
    std::vector<std::string> found;
    const auto objects = list_all(*files, "bucket", prefix, 100'000);
    REQUIRE(objects);
    for (const auto& object : *objects) {
      found.push_back(object.key.substr(prefix.size()));
    }
    return found;
  }
  Files plain_view() {
    Files found;
    for (const auto& path : keys("ckpt/job-1/")) {
      if (!path.starts_with(".holdfast/"))
        found[path] = files->get_bytes("bucket", "ckpt/job-1/" + path, 1 << 24).value();
    }
    return found;
  }
  void flip_bit(const std::string& key) {
    auto bytes = files->get_bytes("bucket", key, 1 << 24).value();
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    REQUIRE(files->put_bytes("bucket", key, bytes));
  }
  // The object that holds a file of a generation.
  std::string data_key(GenerationId id, const std::string& path) {
    const auto manifest = LedgerStore(*files, checkpoint_place(location)).read_manifest(id).value().value();
    for (const auto& file : manifest.files) {
      if (file.path == path) return own_key(file.object);
    }
    FAIL("no such file in the generation: " << path);
    return {};
  }
};

// restore_checkpoint() into a directory of this machine.
inline Result<RestoredCheckpoint> restore_into(const fs::path& directory, ports::ObjectStore& store,
                                               const ports::S3Location& location, const std::string& job,
                                               std::uint64_t fence, Clock& clock) {
  const auto folder = DiskFolder::open(directory).value();
  ThreadTasks tasks;
  std::uint64_t next_sequence = 1;
  return restore_checkpoint(store, location, *folder, JobName{job}, Fence{fence}, next_sequence, clock, tasks);
}

// One attempt on an instance of its own.
struct Attempt {
  World& world;
  fs::path dir;
  std::unique_ptr<DiskFolder> folder;
  ThreadTasks tasks;
  RestoredCheckpoint restored;
  std::unique_ptr<CheckpointSync> sync;
  // What the program holds open for writing; none once it has ended.
  std::optional<std::vector<std::pair<std::uint64_t, std::uint64_t>>> open{std::in_place};
  std::vector<CheckpointEvent> events;  // all there were

  // `next_sequence`: tries of this attempt that came to nothing may have used the numbers below it.
  Attempt(World& in, std::uint64_t fence, CheckpointSyncOptions options = {}, std::uint64_t next_sequence = 1)
      : world(in), dir(in.dir / ("instance-" + std::to_string(fence))) {
    folder = DiskFolder::open(dir).value();
    auto got = restore_checkpoint(world.store, world.location, *folder, JobName{"job-1"}, Fence{fence}, next_sequence,
                                  world.clock, tasks);
    REQUIRE_MESSAGE(got, (got ? "" : got.error().message));
    restored = std::move(*got);
    auto opened = CheckpointSync::open(
        world.store, world.clock, tasks, [this] { return open; }, options, restored.claim, *folder);
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    sync = std::move(*opened);
  }

  void write(const std::string& path, const std::string& bytes) { write_in_place(dir / path, bytes); }
  void link(const std::string& path, const std::string& target) { write_link(dir / path, target); }
  void rename_in(const std::string& path, const std::string& bytes) { write_renamed(dir / path, bytes); }

  std::vector<CheckpointEvent> step(Duration after = Duration{0}) {
    world.clock.advance(after);
    auto now = sync->step();
    events.insert(events.end(), now.begin(), now.end());
    return now;
  }
  // Long enough for everything to settle, be uploaded and be committed, if it ever is.
  std::optional<GenerationId> settle(Duration each = milliseconds{600}) {
    std::optional<GenerationId> last;
    for (int i = 0; i < 4; ++i) {
      for (const auto& event : step(each)) {
        if (const auto* committed = std::get_if<CheckpointCommitted>(&event)) last = committed->id;
      }
    }
    return last;
  }
  // A generation of two files, which came one after the other.
  GenerationId save_two_parts() {
    rename_in("part-0", "step 1");
    rename_in("part-1", "step 1");
    const auto whole = settle();
    REQUIRE(whole);
    return *whole;
  }
  FlushResult flush(bool signalled, Duration died_ago = Duration{0}) {
    const auto now = world.clock.now();
    return sync->flush(now + seconds{60}, ProgramEnd{now - died_ago, signalled});
  }
  std::vector<std::string> problems() const {
    std::vector<std::string> found;
    for (const auto& event : events) {
      if (const auto* problem = std::get_if<CheckpointProblem>(&event)) found.push_back(problem->what);
    }
    return found;
  }
  Files files() const { return files_in(dir); }
  void hold_open(const std::string& path, bool held) {
    struct stat status {};
    REQUIRE(::stat((dir / path).c_str(), &status) == 0);
    open.emplace();
    if (held) open->emplace_back(status.st_dev, status.st_ino);
  }
};

}  // namespace holdfast::testing
