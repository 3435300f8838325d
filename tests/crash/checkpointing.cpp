#include "crash/checkpointing.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "agent/checkpoint_ledger.hpp"

namespace holdfast::testing {
namespace fs = std::filesystem;
namespace {

constexpr int kSettleSteps = 6;
constexpr Duration kSettleStep{900};

Error broken_error() { return Error{Kind::try_again, "the connection is broken"}; }

// No two writes have the same time, however coarse the kernel's clock is.
void stamp(CheckpointStory& story, const fs::path& path) {
  static std::int64_t ticks = 0;  // of the whole test program
  ++ticks;
  const timespec time{to_ms(story.clock.now()) / 1000, ticks % 1'000'000'000};
  const timespec times[2] = {time, time};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

}  // namespace

Connection::Connection(ports::ObjectStore& real, Break when) : store_(real), when_(std::move(when)) {
  store_.before = [this](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (broken_) return broken_error();
    ++count_;
    ++calls_[std::string(call)];
    if (count_ != when_.at) return std::nullopt;
    if (when_.meanwhile) when_.meanwhile();
    if (when_.meanwhile && !when_.done) return std::nullopt;
    if (when_.done) {
      last_ = {std::string(call), key};
      return std::nullopt;
    }
    broken_ = true;
    return broken_error();
  };
  store_.after = [this](std::string_view call, const std::string& key) -> std::optional<Error> {
    if (last_ != std::pair{std::string(call), key}) return std::nullopt;
    last_ = {};
    broken_ = true;
    return broken_error();
  };
}

void Connection::arm(Break when) {
  when_ = std::move(when);
  broken_ = false;
  count_ = 0;
}

CheckpointStory::CheckpointStory()
    : objects(objects::FileStore::open(dir / "objects", objects::Durability::process).value()) {
  REQUIRE(objects->create_bucket("bucket"));
}

void CheckpointStory::damage_newest() {
  const auto place = agent::checkpoint_place(location);
  const auto manifest = agent::LedgerStore(*objects, place).read_manifest(newest).value().value();
  const auto key = place.own_key(manifest.files.front().object);
  auto bytes = objects->get_bytes("bucket", key, 1 << 20).value();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  REQUIRE(objects->put_bytes("bucket", key, bytes));
  states.erase(generations.at(newest));
  generations.erase(newest);
  newest = generations.rbegin()->first;
}

CheckpointAttempt::CheckpointAttempt(CheckpointStory& story, Break when, std::size_t keep)
    : story_(story),
      fence_{++story.fences},
      keep_(keep),
      dir_(story.dir / ("instance-" + std::to_string(fence_.value))),
      connection_(*story.objects, std::move(when)) {}

Result<void> CheckpointAttempt::start() {
  auto folder = agent::DiskFolder::open(dir_);
  if (!folder) return fail(folder.error());
  folder_ = std::move(*folder);
  std::uint64_t next_sequence = 1;
  auto restored = agent::restore_checkpoint(connection_.store(), story_.location, *folder_, JobName{"job-1"}, fence_,
                                            next_sequence, story_.clock, tasks_);
  if (!restored) return fail(restored.error());
  restored_ = std::move(*restored);
  agent::CheckpointSyncOptions options;
  options.retention.keep = keep_;
  auto opened =
      agent::CheckpointSync::open(connection_.store(), story_.clock, tasks_, {}, options, restored_->claim, *folder_);
  if (!opened) return fail(opened.error());
  sync_ = std::move(*opened);
  if (fence_ < story_.living) return {};  // it slept, and does not know yet
  story_.living = fence_;
  story_.handed_on = restored_->generation.value_or(GenerationId{});
  return {};
}

Files CheckpointAttempt::files() const {
  Files files;
  if (!fs::exists(dir_)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(dir_)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().lexically_relative(dir_).string()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

// As careful programs do it: beside, and renamed into place.
void CheckpointAttempt::write(const std::string& path, const std::string& bytes) {
  const auto file = dir_ / path;
  fs::create_directories(file.parent_path());
  const auto beside = file.string() + ".sagemaker-ignore";
  std::ofstream(beside, std::ios::binary) << bytes;
  stamp(story_, beside);
  fs::rename(beside, file);
}

void CheckpointAttempt::remove(const std::string& path) { fs::remove(dir_ / path); }

void CheckpointAttempt::rename(const std::string& from, const std::string& to) {
  fs::create_directories((dir_ / to).parent_path());
  fs::rename(dir_ / from, dir_ / to);
}

void CheckpointAttempt::note(const std::vector<agent::CheckpointEvent>& events) {
  for (const auto& event : events) {
    const auto* committed = std::get_if<agent::CheckpointCommitted>(&event);
    if (committed == nullptr) continue;
    const bool zombie = fence_ != story_.living;
    CHECK_MESSAGE((!zombie || committed->id <= story_.handed_on), "a zombie says that it committed");
    story_.generations[committed->id] = files();
    if (!zombie) CHECK(committed->id > story_.newest);
    story_.newest = std::max(story_.newest, committed->id);
  }
}

void CheckpointAttempt::settle() {
  if (!started()) return;
  // A commit whose answer was lost counts too. A zombie's does not.
  if (fence_ == story_.living) story_.states.insert(files());
  for (int i = 0; i < kSettleSteps; ++i) {
    story_.clock.advance(kSettleStep);
    note(sync_->step());
  }
}

void CheckpointAttempt::flush(bool signalled) {
  if (!started()) return;
  if (fence_ == story_.living) story_.states.insert(files());
  const auto now = story_.clock.now();
  note(sync_->flush(now + seconds{60}, agent::ProgramEnd{now, signalled}).events);
}

void check_restored(const CheckpointStory& story, const CheckpointAttempt& attempt) {
  const auto& restored = attempt.restored();
  const auto files = attempt.files();
  if (!restored.generation) {
    CHECK_MESSAGE(story.newest.sequence == 0, "a generation that was told of is not there");
    CHECK((files.empty() || story.states.contains(files)));
    return;
  }
  CHECK(*restored.generation >= story.newest);
  const auto known = story.generations.find(*restored.generation);
  if (known != story.generations.end()) {
    CHECK_MESSAGE(files == known->second, "a generation came back as another one than it was");
  } else {
    CHECK_MESSAGE(story.states.contains(files), "restored what the directory never was");
  }
}

}  // namespace holdfast::testing
