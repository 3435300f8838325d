#include "base/mounts.hpp"

#include <doctest/doctest.h>

using holdfast::mounts_below;

TEST_CASE("what is mounted below a directory is found, the last one first, and nothing beside it") {
  const std::string text =
      "25 0 8:1 / / rw,relatime - ext4 /dev/root rw\n"
      "40 25 8:1 /d/i-1/fast-files /d/i-1/fast-files rw - ext4 /dev/root rw\n"
      "41 40 0:50 / /d/i-1/fast-files/channels ro - fuse.fastfile holdfast ro\n"
      "42 25 0:51 / /d/i-10/fast-files ro - fuse.fastfile holdfast ro\n"
      "43 25 0:52 / /d/i-1 rw - tmpfs none rw\n"
      "44 25 0:53 / /d/a\\040b/x\\134y ro - fuse.fastfile holdfast ro\n";
  CHECK(mounts_below(text, "/d/i-1") == std::vector<std::string>{"/d/i-1/fast-files/channels", "/d/i-1/fast-files"});
  CHECK(mounts_below(text, "/d/i-1/") == mounts_below(text, "/d/i-1"));
  CHECK(mounts_below(text, "/d/a b") == std::vector<std::string>{"/d/a b/x\\y"});
  CHECK(mounts_below(text, "/d/none").empty());
  CHECK(mounts_below("", "/d").empty());
  CHECK(mounts_below("cut\noff 1", "/d").empty());
}
