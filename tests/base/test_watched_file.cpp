#include "base/watched_file.hpp"

#include <doctest/doctest.h>

#include "base/file.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using News = WatchedFile::News;

TEST_CASE("a file is new once, changed whenever it is replaced, and gone while it is not there") {
  const testing::TempDir dir;
  WatchedFile file(dir / "list");
  CHECK(file.look() == News::gone);
  REQUIRE(write_file_atomically(dir / "list", "one"));
  CHECK(file.look() == News::changed);
  CHECK(file.look() == News::same);
  REQUIRE(write_file_atomically(dir / "list", "two"));  // as long, and perhaps in the same tick: another inode
  CHECK(file.look() == News::changed);
  std::filesystem::remove(dir / "list");
  CHECK(file.look() == News::gone);
  CHECK(file.look() == News::gone);
}

TEST_CASE("one that cannot be looked at is taken for unchanged") {
  const testing::TempDir dir;
  REQUIRE(write_file_atomically(dir / "file", "no folder"));
  WatchedFile file(dir / "file" / "list");
  CHECK(file.look() == News::same);
}
