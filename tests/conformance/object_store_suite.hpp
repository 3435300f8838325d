// What every object store must do. A test program calls it with an empty store.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "ports/sources.hpp"
#include "support/temp_dir.hpp"

namespace holdfast::testing {

inline Fd file_with(const std::filesystem::path& path, std::string_view bytes) {
  Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  REQUIRE(fd);
  REQUIRE(write_all(fd.get(), bytes, "writing a test's file"));
  return fd;
}

inline std::vector<std::string> keys_of(const Result<ports::ListPage>& page) {
  REQUIRE_MESSAGE(page, (page ? "" : page.error().message));
  std::vector<std::string> keys;
  for (const auto& object : page->objects) keys.push_back(object.key);
  return keys;
}

inline void check_bytes(ports::ObjectStore& store) {
  REQUIRE(store.put_bytes("bucket", "a/key", "first"));
  CHECK(store.get_bytes("bucket", "a/key", 5).value() == "first");
  REQUIRE(store.put_bytes("bucket", "a/key", "second"));
  CHECK(store.get_bytes("bucket", "a/key", 100).value() == "second");
  CHECK(store.get_bytes("bucket", "a/key", 5).error().kind == Kind::invalid);
  REQUIRE(store.put_bytes("bucket", "empty", ""));
  CHECK(store.get_bytes("bucket", "empty", 0).value().empty());
  const auto info = store.head("bucket", "a/key").value();
  CHECK(info.size == 6);
  CHECK(to_ms(info.modified) > 1'600'000'000'000);
}

inline void check_missing(ports::ObjectStore& store) {
  CHECK(store.get_bytes("bucket", "none", 1).error().kind == Kind::not_found);
  CHECK(store.head("bucket", "none").error().kind == Kind::not_found);
  CHECK(store.copy("bucket", "none", "to").error().kind == Kind::not_found);
  CHECK(store.remove("bucket", "none"));
  CHECK(store.remove("bucket", "none/below"));
  CHECK(store.put_bytes("no-bucket", "key", "x").error().kind == Kind::not_found);
  CHECK(store.get_bytes("no-bucket", "key", 1).error().kind == Kind::not_found);
  CHECK(store.list("no-bucket", "", "", 1).error().kind == Kind::not_found);
  CHECK_FALSE(store.bucket_exists("no-bucket").value());
  CHECK(store.put_bytes("bucket", "", "x").error().kind == Kind::invalid);
  CHECK(store.put_bytes("bucket", std::string(1025, 'k'), "x").error().kind == Kind::invalid);
}

inline std::string get_all(ports::ObjectStore& store, const std::string& key, std::uint64_t offset = 0,
                           std::uint64_t length = ports::kToTheEnd) {
  std::string got;
  const auto bytes = store.get("bucket", key, offset, length, [&](std::string_view block) -> Result<void> {
    got += block;
    return {};
  });
  REQUIRE_MESSAGE(bytes, (bytes ? "" : bytes.error().message));
  CHECK(*bytes == got.size());
  return got;
}

// Every block differs from every other, so that none can stand in for another.
inline std::string numbered(std::size_t size) {
  std::string contents(size, '\0');
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const auto number = static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15u;
    std::memcpy(contents.data() + i, &number, 8);
  }
  return contents;
}

inline void check_files(ports::ObjectStore& store) {
  const TempDir dir;
  const std::string contents = numbered(21'000'001);
  const auto fd = file_with(dir / "source", contents);
  ports::FileSource source(fd.get(), contents.size());
  REQUIRE(store.put("bucket", "big", source));
  CHECK(get_all(store, "big") == contents);
  // More than the file has: nothing is stored, and what was there stays.
  ports::FileSource more(fd.get(), contents.size() + 1);
  CHECK(store.put("bucket", "big", more).error().kind == Kind::conflict);
  CHECK(store.put("bucket", "never", more).error().kind == Kind::conflict);
  CHECK(store.head("bucket", "never").error().kind == Kind::not_found);
  CHECK(get_all(store, "big") == contents);
  // Less: only the beginning.
  ports::FileSource less(fd.get(), 10);
  REQUIRE(store.put("bucket", "part", less));
  CHECK(store.head("bucket", "part").value().size == 10);
  ports::FileSource none(fd.get(), 0);
  REQUIRE(store.put("bucket", "nothing", none));
  CHECK(store.head("bucket", "nothing").value().size == 0);
  CHECK(get_all(store, "nothing").empty());
}

inline void check_ranges(ports::ObjectStore& store) {
  const auto contents = numbered(3'000'000);
  ports::BytesSource source(contents);
  REQUIRE(store.put("bucket", "ranges", source));
  for (const auto& [offset, length] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, 1}, {0, 3'000'000}, {1, 2'000'000}, {2'999'999, 1}, {2'999'999, 100}, {1'048'576, 1'048'576}}) {
    CHECK(get_all(store, "ranges", offset, length) == contents.substr(offset, length));
  }
  CHECK(get_all(store, "ranges", 0, 0).empty());
  CHECK(get_all(store, "ranges", 3'000'000, 1).empty());
  CHECK(get_all(store, "ranges", 9'000'000, 10).empty());
  const auto ignore = [](std::string_view) -> Result<void> { return {}; };
  CHECK(store.get("bucket", "never", 0, 1, ignore).error().kind == Kind::not_found);
  // Whoever takes the bytes can end it.
  const auto ended = store.get("bucket", "ranges", 0, ports::kToTheEnd,
                               [](std::string_view) -> Result<void> { return fail(Kind::no_space, "no more"); });
  REQUIRE_FALSE(ended);
  CHECK(ended.error().kind == Kind::no_space);
  CHECK(get_all(store, "ranges") == contents);
}

// Keys that a file system would not take as names all live side by side, and are listed by byte.
inline void check_keys(ports::ObjectStore& store) {
  const std::string long80(80, 'n'), long300(300, 'n');
  std::vector<std::string> keys = {"a",
                                   "a/",
                                   "a/b",
                                   "a//b",
                                   "a/../b",
                                   "a/./b",
                                   "a-b",
                                   "a+",
                                   "a+/c",
                                   "a+%2B",
                                   "a%",
                                   "a%2F",
                                   "..",
                                   ".",
                                   "../x",
                                   "/",
                                   "/a",
                                   "//",
                                   "a b",
                                   "ä/ö",
                                   "new\nline",
                                   ".holdfast/x",
                                   ".drafts-1/x",
                                   "c++/c++",
                                   long80,
                                   long80 + "x",
                                   long80 + "-y",
                                   long80 + "/z",
                                   long80 + "0",
                                   std::string(79, 'n'),
                                   std::string(79, 'n') + "/q",
                                   long300,
                                   long300 + "/" + long300,
                                   "%",
                                   "%25",
                                   "a0"};
  for (const auto& key : keys) {
    const auto put = store.put_bytes("bucket", key, "contents of " + key);
    REQUIRE_MESSAGE(put, key);
  }
  std::ranges::sort(keys);
  CHECK(keys_of(store.list("bucket", "", "", 1000)) == keys);
  for (const auto& key : keys) {
    CHECK_MESSAGE(store.get_bytes("bucket", key, 2000).value() == "contents of " + key, key);
    // From any place on, and below any prefix.
    CHECK(keys_of(store.list("bucket", "", key, 1000)) == std::vector(std::ranges::upper_bound(keys, key), keys.end()));
    std::vector<std::string> below;
    std::ranges::copy_if(keys, std::back_inserter(below), [&](const auto& other) { return other.starts_with(key); });
    CHECK(keys_of(store.list("bucket", key, "", 1000)) == below);
  }
  for (const auto& key : keys) REQUIRE(store.remove("bucket", key));
  CHECK(keys_of(store.list("bucket", "", "", 1000)).empty());
}

inline void check_pages(ports::ObjectStore& store) {
  for (int i = 0; i < 25; ++i) REQUIRE(store.put_bytes("bucket", fmt::format("p/{}/{:02}", i % 3, i), "x"));
  std::vector<std::string> all;
  for (int pages = 1;; ++pages) {
    const auto page = store.list("bucket", "p/", all.empty() ? "" : all.back(), 10);
    REQUIRE(page);
    for (const auto& object : page->objects) all.push_back(object.key);
    CHECK(page->truncated == (pages < 3));
    if (!page->truncated) break;
  }
  CHECK(all.size() == 25);
  CHECK(std::ranges::is_sorted(all));
  CHECK_FALSE(store.list("bucket", "p/", "", 25).value().truncated);
  CHECK(keys_of(store.list("bucket", "p/0/", "p/0/03", 1)) == std::vector<std::string>{"p/0/06"});
  CHECK(keys_of(store.list("bucket", "q", "", 10)).empty());
}

inline void check_copies(ports::ObjectStore& store) {
  REQUIRE(store.put_bytes("bucket", "from", "one"));
  REQUIRE(store.copy("bucket", "from", "to/here"));
  REQUIRE(store.copy("bucket", "from", "to/here"));
  REQUIRE(store.put_bytes("bucket", "from", "two"));
  CHECK(store.get_bytes("bucket", "to/here", 10).value() == "one");
  REQUIRE(store.copy("bucket", "from", "from"));
  CHECK(store.get_bytes("bucket", "from", 10).value() == "two");
  REQUIRE(store.remove("bucket", "from"));
  CHECK(store.get_bytes("bucket", "to/here", 10).value() == "one");
}

inline void check_buckets(ports::ObjectStore& store) {
  REQUIRE(store.create_bucket("another.bucket-2"));
  REQUIRE(store.create_bucket("another.bucket-2"));
  const auto buckets = store.buckets().value();
  REQUIRE(buckets.size() == 2);
  CHECK(buckets[0].key == "another.bucket-2");
  CHECK(buckets[1].key == "bucket");
  CHECK(store.bucket_exists("bucket").value());
  for (const auto* name : {"", "ab", "..", "a..b", "Upper", "-ab", "ab-", "a/b", ".drafts", "under_score"}) {
    CHECK_MESSAGE(store.create_bucket(name).error().kind == Kind::invalid, name);
    CHECK_MESSAGE(store.put_bytes(name, "key", "x").error().kind == Kind::invalid, name);
  }
}

// Readers see one whole object or the other, and folders that come and go under each other's hands do no harm.
inline void check_concurrency(ports::ObjectStore& store) {
  constexpr int kRounds = 200;
  const std::string a(100'000, 'a'), b(50'000, 'b');
  REQUIRE(store.put_bytes("bucket", "shared/deep/key", a));
  int torn = 0;
  std::atomic<int> failed = 0;
  {
    std::jthread writer([&] {
      for (int i = 0; i < kRounds; ++i)
        failed += store.put_bytes("bucket", "shared/deep/key", i % 2 == 0 ? a : b) ? 0 : 1;
    });
    std::jthread mover([&] {
      for (int i = 0; i < kRounds; ++i) {
        static_cast<void>(store.put_bytes("bucket", "come/and/go", a));
        static_cast<void>(store.remove("bucket", "come/and/go"));
      }
    });
    for (int i = 0; i < kRounds; ++i) {
      const auto got = store.get_bytes("bucket", "shared/deep/key", a.size());
      torn += got && (*got == a || *got == b) ? 0 : 1;
      failed += store.put_bytes("bucket", "come/and/stay", b) ? 0 : 1;
      static_cast<void>(store.remove("bucket", "come/and/stay"));
    }
  }
  CHECK(torn == 0);
  CHECK(failed == 0);
}

// `store` has one bucket, "bucket", with nothing in it.
inline void check_object_store(ports::ObjectStore& store) {
  SUBCASE("bytes are stored and read") { check_bytes(store); }
  SUBCASE("what is missing is not found") { check_missing(store); }
  SUBCASE("files are stored and read") { check_files(store); }
  SUBCASE("ranges are read") { check_ranges(store); }
  SUBCASE("any key has a place of its own") { check_keys(store); }
  SUBCASE("lists come in pages") { check_pages(store); }
  SUBCASE("a copy is independent of its original") { check_copies(store); }
  SUBCASE("buckets have proper names") { check_buckets(store); }
  SUBCASE("concurrent calls see whole objects") { check_concurrency(store); }
}

}  // namespace holdfast::testing
