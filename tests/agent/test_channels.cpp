#include "agent/channels.hpp"

#include "agent/checkpoint_world.hpp"
#include "agent/disk_folder.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

Result<ChannelContents> download(World& world, const std::string& prefix, const std::string& bucket = "bucket") {
  const auto folder = DiskFolder::open(world.dir / "channel").value();
  ThreadTasks tasks;
  return download_channel(world.store, {bucket, prefix}, *folder, tasks);
}
void put(World& world, const std::string& key) { REQUIRE(world.files->put_bytes("bucket", key, "contents of " + key)); }
Files got(World& world) { return files_in(world.dir / "channel"); }

}  // namespace

TEST_CASE("everything under a folder is downloaded, relative to it") {
  World world;
  for (const auto* key : {"data/train/", "data/train/a.csv", "data/train/deep/b.csv", "data/test/c.csv"})
    put(world, key);
  const auto contents = download(world, "data/train/").value();
  CHECK(contents.files == 2);
  CHECK(contents.bytes == std::string("contents of data/train/a.csv contents of data/train/deep/b.csv").size() - 1);
  CHECK(got(world) ==
        Files{{"a.csv", "contents of data/train/a.csv"}, {"deep/b.csv", "contents of data/train/deep/b.csv"}});
}

TEST_CASE("a prefix without a slash is a prefix of keys, not a folder") {
  World world;
  for (const auto* key : {"data/train/a", "data/train-more/b", "data/trash", "data/x"}) put(world, key);
  CHECK(download(world, "data/tra").value().files == 3);
  CHECK(got(world).contains("train/a"));
  CHECK(got(world).contains("train-more/b"));
  CHECK(got(world).contains("trash"));
}

TEST_CASE("a single object and a whole bucket can be channels") {
  World world;
  put(world, "data/one.csv");
  CHECK(download(world, "data/one.csv").value().files == 1);
  CHECK(got(world) == Files{{"one.csv", "contents of data/one.csv"}});
  CHECK(download(world, "").value().files == 1);
  CHECK(got(world).contains("data/one.csv"));
}

TEST_CASE("many files come in parallel and all arrive") {
  World world;
  for (int i = 0; i < 300; ++i) put(world, fmt::format("data/{}/{}", i % 7, i));
  CHECK(download(world, "data/").value().files == 300);
  CHECK(got(world).size() == 300);
}

TEST_CASE("nothing under the prefix and no such bucket are the user's mistakes, and say so") {
  World world;
  put(world, "data/");
  const auto nothing = download(world, "data/");
  CHECK(nothing.error().kind == Kind::not_found);
  CHECK(nothing.error().message.find("s3://bucket/data/") != std::string::npos);
  const auto bucket = download(world, "data", "nobody");
  CHECK(bucket.error().kind == Kind::not_found);
  CHECK(bucket.error().message.find("nobody") != std::string::npos);
}

TEST_CASE("keys that lead out of the channel, or are file and folder at once, are refused and nothing is left") {
  for (const auto* bad : {"data/../../evil", "data//x", "data/good/below"}) {
    World world;
    put(world, "data/good");
    put(world, bad);
    CHECK_MESSAGE(download(world, "data/").error().kind == Kind::invalid, bad);
    CHECK_FALSE(fs::exists(world.dir / "evil"));
    CHECK((!fs::exists(world.dir / "channel") || got(world).empty()));
  }
}

TEST_CASE("a store that is away is not the user's mistake") {
  World world;
  put(world, "data/a");
  world.store.before = trouble("get", "data/a");
  CHECK(download(world, "data/").error().kind == Kind::try_again);
  CHECK(got(world).empty());
  world.store.before = trouble("list", "");
  CHECK(download(world, "data/").error().kind == Kind::try_again);
}
