// The object store of the simulated world: one for all, in memory, with S3's promises (atomic puts, read after write).
// Each agent has a line to it of its own, on which requests are slow, refused, cut, or done without an answer.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "checkpoint/manifest.hpp"
#include "ports/object_store.hpp"
#include "sim/dice.hpp"
#include "sim/history.hpp"
#include "sim/plan.hpp"
#include "sim/process.hpp"
#include "sim/twin_folder.hpp"

namespace holdfast::sim {

// What is stored; knows which objects are ledgers, and records what happens to them.
class ObjectShelf {
 public:
  struct Object {
    std::string bytes;
    std::string etag;
    Instant modified;
  };
  ObjectShelf(Scheduler& scheduler, Recorder& recorder) : scheduler_(scheduler), recorder_(recorder) {}

  void create_bucket(const std::string& bucket) { buckets_[bucket]; }
  // Nobody's request is taken while it is away.
  void set_away(bool away) { away_ = away; }
  bool away() const { return away_; }
  // Null: no such bucket.
  std::map<std::string, Object>* bucket(const std::string& name);
  // `by`: whose request it is; none for the user's own.
  void put(const std::string& bucket, const std::string& key, std::string bytes, std::optional<Fence> by) {
    put(bucket, key, std::move(bytes), by, false);
  }
  void put_later(Duration wait, const std::string& bucket, const std::string& key, std::string bytes,
                 std::optional<Fence> by);
  void remove(const std::string& bucket, const std::string& key);
  // A bit of one object changes by itself.
  void damage(const std::string& bucket, const std::string& key);
  // Of something that this manifest names, if it is the first of its attempt: what that restored.
  void damage_restored(const std::string& bucket, const std::string& key, std::string_view manifest);
  // Which job keeps its checkpoints where: "bucket/prefix/".
  void keeps_checkpoints(const std::string& place, const JobName& job) { places_[place] = job; }
  // What that attempt goes on from, by its newest generation, or by its opening as long as it has none.
  std::optional<GenerationId> based_on(Fence fence) const {
    if (const auto own = newest_.find(fence); own != newest_.end()) return own->second.second;
    const auto found = based_on_.find(fence);
    return found == based_on_.end() ? std::nullopt : found->second;
  }
  // Of all checkpoints, or what was stored last of them, for damage.
  std::vector<std::pair<std::string, std::string>> checkpoint_data(bool newest_only) const;

 private:
  struct Own {
    JobName job;
    std::string place;  // the key of the ledger's folder
    std::string name;   // relative to it
  };
  std::optional<Own> own_of(const std::string& bucket, const std::string& key) const;
  void put(const std::string& bucket, const std::string& key, std::string bytes, std::optional<Fence> by, bool late);
  void record_manifest(const std::string& bucket, const Own& own, const std::string& bytes, bool late);

  Scheduler& scheduler_;
  Recorder& recorder_;
  bool away_ = false;
  std::map<std::string, std::map<std::string, Object>> buckets_;
  std::map<std::string, JobName> places_;
  std::set<std::string> damaged_;  // keys: a bit that is flipped twice would be whole again
  std::map<Fence, std::optional<GenerationId>> based_on_;
  std::map<Fence, std::pair<std::uint64_t, std::optional<GenerationId>>> newest_;  // number and base
};

// Where no process is given, the caller is the service: it is never blocked, only refused.
class TwinObjects final : public ports::ObjectStore {
 public:
  TwinObjects(ObjectShelf& shelf, const FaultPlan& faults, Dice& dice, Process* process, std::optional<Fence> by)
      : shelf_(shelf), faults_(faults), dice_(dice), process_(process), by_(by) {}

  Result<void> put_bytes(const std::string& bucket, const std::string& key, std::string_view bytes) override;
  Result<void> put(const std::string& bucket, const std::string& key, ports::Source& source) override;
  Result<std::string> get_bytes(const std::string& bucket, const std::string& key, std::size_t limit) override;
  Result<std::uint64_t> get(const std::string& bucket, const std::string& key, std::uint64_t offset,
                            std::uint64_t length, const Sink& sink) override;
  Result<ports::ObjectInfo> head(const std::string& bucket, const std::string& key) override;
  Result<ports::ListPage> list(const std::string& bucket, const std::string& prefix, const std::string& start_after,
                               std::size_t limit) override;
  Result<void> copy(const std::string& bucket, const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& bucket, const std::string& key) override;
  Result<bool> bucket_exists(const std::string& bucket) override;
  Result<void> create_bucket(const std::string& bucket) override;
  Result<std::vector<ports::ObjectInfo>> buckets() override;

 private:
  // The way there, and back: time passes, and it may fail on either.
  Result<void> go(const char* what, const std::string& key);
  Result<void> come_back(const char* what, const std::string& key);
  void take_time();
  Result<std::map<std::string, ObjectShelf::Object>*> open(const std::string& bucket);
  Result<std::string> read(const char* what, const std::string& bucket, const std::string& key);

  ObjectShelf& shelf_;
  const FaultPlan& faults_;
  Dice& dice_;
  Process* process_;
  std::optional<Fence> by_;
};

}  // namespace holdfast::sim
