// Files at every operation that changes one: the power goes just then, or only the process dies; what is opened again
// must hold what was answered, whole.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <functional>

#include "base/file.hpp"
#include "crash/every_loss.hpp"
#include "objects/file_store.hpp"
#include "ports/sources.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::testing;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLimit = 1 << 20;
const std::string kLong(3000, 'l');  // several sectors

// What happened to one key, in the numbers of operations. No bytes: it was removed.
struct Change {
  std::size_t begin = 0, end = 0;
  std::optional<std::string> bytes;
};

class ObjectsWitness {
 public:
  explicit ObjectsWitness(FileRecorder& recorder) : recorder_(recorder) {}

  // In flight while `act` runs, answered once that says so.
  void change(const std::string& key, std::optional<std::string> bytes, const std::function<Result<void>()>& act) {
    const auto begin = recorder_.ops.size();
    const auto done = act();
    keys_[key].push_back({begin, done ? recorder_.ops.size() : kNever, std::move(bytes)});
  }
  void created_bucket() { bucket_at_ = std::min(bucket_at_, recorder_.ops.size()); }

  // The store's root, after a loss behind the first k operations.
  void judge(const fs::path& root, std::size_t k) const {
    auto opened = objects::FileStore::open(root, objects::Durability::process);
    REQUIRE(opened);
    auto& store = **opened;
    const bool there = store.bucket_exists("bucket").value();
    if (k >= bucket_at_) REQUIRE_MESSAGE(there, "the bucket was made and is gone");
    std::map<std::string, std::string> found;
    if (there) {
      const auto listed = store.list("bucket", "", "", 1000);
      REQUIRE(listed);
      for (const auto& object : listed->objects) {
        found[object.key] = store.get_bytes("bucket", object.key, kLimit).value();
        CHECK(found[object.key].size() == object.size);
      }
    }
    for (const auto& [key, bytes] : found) CHECK_MESSAGE(keys_.contains(key), key << " was never stored");
    for (const auto& [key, changes] : keys_) {
      const auto may_be = possible(changes, k);
      const auto is = found.contains(key) ? std::optional(found.at(key)) : std::nullopt;
      const bool allowed = std::ranges::find(may_be, is) != may_be.end();
      CHECK_MESSAGE(allowed, key << (is ? " has bytes that it cannot have: " + is->substr(0, 20) : " is gone"));
    }
    // Only its own folder for drafts, and nothing in any.
    std::size_t drafts = 0;
    for (const auto& entry : fs::directory_iterator(root)) {
      if (!entry.path().filename().string().starts_with(".drafts-")) continue;
      ++drafts;
      CHECK(fs::is_empty(entry.path()));
    }
    CHECK(drafts == 1);
  }

 private:
  static constexpr auto kNever = static_cast<std::size_t>(-1);

  // A put that was answered holds; a removal may come undone, and what is in flight may have happened or not.
  static std::vector<std::optional<std::string>> possible(const std::vector<Change>& changes, std::size_t k) {
    std::vector<std::optional<std::string>> values{std::nullopt};
    for (const auto& change : changes) {
      if (change.begin >= k) break;
      if (change.end <= k && change.bytes) values.clear();
      values.push_back(change.bytes);
    }
    return values;
  }

  FileRecorder& recorder_;
  std::map<std::string, std::vector<Change>> keys_;
  std::size_t bucket_at_ = kNever;
};

std::unique_ptr<objects::FileStore> open_objects(const fs::path& root) {
  auto opened = objects::FileStore::open(root);
  return opened ? std::move(*opened) : nullptr;
}

void put(ObjectsWitness& witness, ports::ObjectStore& store, const std::string& key, const std::string& bytes) {
  witness.change(key, bytes, [&] { return store.put_bytes("bucket", key, bytes); });
}

// Everything a store can do to files; another process shares it towards the end.
void store_things(const fs::path& root, const fs::path& source, ObjectsWitness& witness) {
  const auto store = open_objects(root);
  if (!store) return;
  if (store->create_bucket("bucket")) witness.created_bucket();
  put(witness, *store, "a", "one");
  put(witness, *store, "a", kLong);
  put(witness, *store, "deep/er/key", "deep");
  const Fd file{::open(source.c_str(), O_RDONLY | O_CLOEXEC)};
  ports::FileSource bytes(file.get(), 3000);
  witness.change("deep/file", kLong, [&] { return store->put("bucket", "deep/file", bytes); });
  witness.change("b/copy", kLong, [&] { return store->copy("bucket", "a", "b/copy"); });
  witness.change("b/copy", kLong, [&] { return store->copy("bucket", "a", "b/copy"); });
  witness.change("deep/er/key", std::nullopt, [&] { return store->remove("bucket", "deep/er/key"); });
  put(witness, *store, "deep/er/other", "again");
  witness.change("b/copy", "again", [&] { return store->copy("bucket", "deep/er/other", "b/copy"); });
  // As a client's upload comes: a file beside the store, taken over by it.
  const auto uploaded = root.parent_path() / "uploaded";
  for (const bool absent : {true, false, true}) {
    if (write_file_atomically(uploaded, kLong))
      witness.change("b/taken", kLong, [&]() -> Result<void> {
        const auto taken = store->take_file("bucket", "b/taken", uploaded, {.etag = "e", .if_absent = absent});
        if (!taken) return fail(taken.error());
        return {};
      });
  }
  if (const auto object = store->open_object("bucket", "b/taken")) {
    witness.change("c/copied", kLong, [&]() -> Result<void> {
      const auto copied = store->copy_object(*object, "bucket", "c/copied", ports::NewObject{.etag = "f"});
      if (!copied) return fail(copied.error());
      return {};
    });
  }
  const auto other = open_objects(root);
  if (!other) return;
  put(witness, *other, "b/from the other", "x");
  put(witness, *other, "a", "two");
}

}  // namespace

TEST_CASE(
    "whatever operation on files the power goes at, objects are whole, and those that were answered for are there") {
  const TempDir disk;
  const TempDir elsewhere;
  write_tree({{"source", kLong}}, elsewhere.path());
  std::vector<FileOp> ops;
  std::size_t disks = 0;
  FileRecorder recorder(disk.path());
  ObjectsWitness witness(recorder);
  store_things(disk / "data/objects", elsewhere / "source", witness);
  ops = recorder.ops;
  disks = for_every_loss(ops, 0, [&](const fs::path& left, std::size_t k) { witness.judge(left / "data/objects", k); });
  MESSAGE("file store: " << ops.size() << " operations (" << counts_of(ops) << "), " << disks << " disks opened");
}

TEST_CASE("a process may die at any operation, and a later one stores what the power cannot take either") {
  const TempDir elsewhere;
  write_tree({{"source", kLong}}, elsewhere.path());
  std::size_t deaths = 0;
  for (bool died = true; died;) {
    const TempDir disk;
    FileRecorder recorder(disk.path());
    ObjectsWitness witness(recorder);
    recorder.die_at = deaths;
    store_things(disk / "data/objects", elsewhere / "source", witness);
    died = recorder.is_dead();
    if (!died) break;
    const auto from = recorder.ops.size();
    recorder.die_at.reset();
    const auto store = open_objects(disk / "data/objects");
    REQUIRE(store);
    REQUIRE(store->create_bucket("bucket"));
    witness.created_bucket();
    put(witness, *store, "deep/er/key", "after");
    put(witness, *store, "a", "after");
    witness.change("b/copy", "after", [&] { return store->copy("bucket", "a", "b/copy"); });
    CAPTURE(deaths);
    for_every_loss(recorder.ops, std::max(from, recorder.ops.size()),
                   [&](const fs::path& left, std::size_t k) { witness.judge(left / "data/objects", k); });
    ++deaths;
  }
  MESSAGE("file store: " << deaths << " operations to die at, and then a loss of power after a later process's puts");
}
