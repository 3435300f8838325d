// What every store behind an S3 endpoint must do, beyond what every object store must.
#pragma once

#include <atomic>

#include "conformance/object_store_suite.hpp"
#include "ports/bucket_store.hpp"

namespace holdfast::testing {

// A file of its own with these bytes, for the store to take.
inline std::filesystem::path given(const TempDir& dir, std::string_view bytes) {
  static std::atomic<int> next = 0;
  const auto path = dir / fmt::format("given-{}", next++);
  file_with(path, bytes);
  return path;
}

inline std::string read_all(const ports::OpenObject& object) {
  std::string bytes(object.info.size + 1, '\0');
  const auto count = ::pread(object.fd.get(), bytes.data(), bytes.size(), 0);
  REQUIRE(count >= 0);
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

inline void check_taken_files(ports::BucketStore& store, const TempDir& dir) {
  const std::string notes = "content-type: text/plain\nx-amz-meta-a: \xc3\xa4\n";
  const auto stored = store.take_file("bucket", "a/k", given(dir, "bytes"), {.etag = "e1", .notes = notes});
  REQUIRE(stored);
  CHECK(stored->key == "a/k");
  CHECK(stored->size == 5);
  CHECK(stored->etag == "e1");
  const auto object = store.open_object("bucket", "a/k");
  REQUIRE(object);
  CHECK(object->info.etag == "e1");
  CHECK(object->info.notes == notes);
  CHECK(object->info.modified == stored->modified);
  CHECK(store.head("bucket", "a/k").value().notes == notes);
  CHECK(store.list("bucket", "", "", 10).value().objects.at(0).etag == "e1");
  CHECK(store.get_bytes("bucket", "a/k", 10).value() == "bytes");

  // What is open stays as it was, and nothing of it goes over to its successor.
  REQUIRE(store.put_bytes("bucket", "a/k", "others"));
  CHECK(read_all(*object) == "bytes");
  const auto after = store.head("bucket", "a/k").value();
  CHECK(after.etag != "e1");
  CHECK(after.notes.empty());

  CHECK(store.open_object("bucket", "none").error().kind == Kind::not_found);
  CHECK(store.take_file("no-bucket", "k", given(dir, "x"), {}).error().kind == Kind::not_found);
  CHECK(store.take_file("bucket", "", given(dir, "x"), {}).error().kind == Kind::invalid);
  const std::string too_long(ports::kMaxNotes + 1, 'n');
  CHECK(store.take_file("bucket", "k", given(dir, "x"), {.etag = "e", .notes = too_long}).error().kind ==
        Kind::invalid);
  const std::string just_fits(ports::kMaxNotes, 'n');
  CHECK(store.take_file("bucket", "k", given(dir, "x"), {.etag = std::string(40, 'e'), .notes = just_fits}));
  CHECK(store.head("bucket", "k").value().notes == just_fits);
}

inline void check_conditions(ports::BucketStore& store, const TempDir& dir) {
  const auto put = [&](std::string_view bytes, ports::NewObject object) {
    return store.take_file("bucket", "k", given(dir, bytes), object);
  };
  CHECK(put("0", {.etag = "e0", .if_match = "*"}).error().kind == Kind::not_found);
  CHECK(put("1", {.etag = "e1", .if_absent = true}));
  CHECK(put("2", {.etag = "e2", .if_absent = true}).error().kind == Kind::conflict);
  CHECK(put("3", {.etag = "e3", .if_match = "e2"}).error().kind == Kind::conflict);
  CHECK(store.get_bytes("bucket", "k", 10).value() == "1");
  CHECK(put("4", {.etag = "e4", .if_match = "e1"}));
  CHECK(put("5", {.etag = "e5", .if_match = "*"}));
  CHECK(store.get_bytes("bucket", "k", 10).value() == "5");

  CHECK(store.remove_if_match("bucket", "k", "e4").error().kind == Kind::conflict);
  CHECK(store.get_bytes("bucket", "k", 10).value() == "5");
  CHECK(store.remove_if_match("bucket", "k", "e5"));
  CHECK(store.remove_if_match("bucket", "k", "e5").error().kind == Kind::not_found);
  CHECK(put("6", {.etag = "e6"}));
  CHECK(store.remove_if_match("bucket", "k", "*"));
  CHECK(store.remove_if_match("bucket", "k", "*").error().kind == Kind::not_found);
  CHECK(store.remove_if_match("none", "k", "*").error().kind == Kind::not_found);
}

// Of many who add one to what they read, on the condition that it is still there, none is lost.
inline void check_counting_together(ports::BucketStore& store, const TempDir& dir) {
  constexpr int kThreads = 4, kRounds = 25;
  std::atomic<int> first = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        first += store.take_file("bucket", "n", given(dir, "0"), {.etag = "0", .if_absent = true}) ? 1 : 0;
        for (int done = 0; done < kRounds;) {
          const auto was = store.head("bucket", "n").value().etag;
          const auto next = std::to_string(std::stoi(was) + 1);
          done += store.take_file("bucket", "n", given(dir, next), {.etag = next, .if_match = was}) ? 1 : 0;
        }
      });
    }
  }
  CHECK(first == 1);
  CHECK(store.get_bytes("bucket", "n", 10).value() == std::to_string(kThreads * kRounds));
}

inline void check_copies_of_open_objects(ports::BucketStore& store, const TempDir& dir) {
  REQUIRE(store.create_bucket("second"));
  REQUIRE(store.take_file("bucket", "k", given(dir, "one"), {.etag = "e1", .notes = "n1"}));
  const auto object = store.open_object("bucket", "k").value();
  REQUIRE(store.copy_object(object, "second", "b/same", std::nullopt));
  REQUIRE(store.copy_object(object, "second", "b/changed", ports::NewObject{.etag = "e2", .notes = "n2"}));
  CHECK(store.copy_object(object, "second", "b/same", ports::NewObject{.etag = "e3", .if_absent = true}).error().kind ==
        Kind::conflict);
  CHECK(store.copy_object(object, "third", "k", std::nullopt).error().kind == Kind::not_found);
  // Onto itself, as a change of the notes is.
  REQUIRE(store.copy_object(object, "bucket", "k", ports::NewObject{.etag = "e1", .notes = "n4", .if_match = "e1"}));
  CHECK(store.head("bucket", "k").value().notes == "n4");
  const auto same = store.open_object("second", "b/same").value();
  CHECK(same.info.etag == "e1");
  CHECK(same.info.notes == "n1");
  CHECK(store.head("second", "b/changed").value().notes == "n2");
  // What nobody can reach by name any more, too.
  REQUIRE(store.remove("bucket", "k"));
  REQUIRE(store.copy_object(object, "bucket", "again", std::nullopt));
  CHECK(read_all(store.open_object("bucket", "again").value()) == "one");
  CHECK(store.head("bucket", "again").value().notes == "n1");
  CHECK(store.get_bytes("second", "b/changed", 10).value() == "one");
}

inline void check_removed_buckets(ports::BucketStore& store) {
  CHECK(store.remove_bucket("none").error().kind == Kind::not_found);
  REQUIRE(store.create_bucket("second"));
  REQUIRE(store.put_bytes("second", "a/b/c", "x"));
  CHECK(store.remove_bucket("second").error().kind == Kind::conflict);
  CHECK(store.get_bytes("second", "a/b/c", 10).value() == "x");
  REQUIRE(store.remove("second", "a/b/c"));
  CHECK(store.remove_bucket("second"));
  CHECK_FALSE(store.bucket_exists("second").value());
  CHECK(store.put_bytes("second", "k", "x").error().kind == Kind::not_found);
  REQUIRE(store.create_bucket("second"));
  CHECK(store.put_bytes("second", "a/b/c", "x"));
}

// `store` has one bucket, "bucket", with nothing in it; `elsewhere` is a folder whose files it can take.
inline void check_bucket_store(ports::BucketStore& store, const TempDir& elsewhere) {
  SUBCASE("a file that is taken is an object with its ETag and notes") { check_taken_files(store, elsewhere); }
  SUBCASE("what is stored on a condition") { check_conditions(store, elsewhere); }
  SUBCASE("conditions hold among concurrent writers") { check_counting_together(store, elsewhere); }
  SUBCASE("an open object is copied, with its notes or others") { check_copies_of_open_objects(store, elsewhere); }
  SUBCASE("an empty bucket is removed") { check_removed_buckets(store); }
}

}  // namespace holdfast::testing
