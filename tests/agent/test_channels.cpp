#include "agent/channels.hpp"

#include "agent/checkpoint_world.hpp"
#include "agent/disk_folder.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

job::Channel channel_of(const std::string& uri) {
  job::Channel channel;
  channel.name = "train";
  channel.s3_uri = uri;
  return channel;
}
Result<ChannelContents> download(World& world, const job::Channel& channel, HostShare share = {}) {
  const auto folder = DiskFolder::open(world.dir / "channel").value();
  ThreadTasks tasks;
  return download_channel(world.store, channel, share, *folder, tasks);
}
Result<ChannelContents> download(World& world, const std::string& prefix, const std::string& bucket = "bucket") {
  return download(world, channel_of("s3://" + bucket + "/" + prefix));
}
void put(World& world, const std::string& key) { REQUIRE(world.files->put_bytes("bucket", key, "contents of " + key)); }
Files got(World& world) { return files_in(world.dir / "channel"); }

job::Channel with_list(World& world, job::SourceType type, const std::string& list) {
  REQUIRE(world.files->put_bytes("bucket", "lists/one", list));
  auto channel = channel_of("s3://bucket/lists/one");
  channel.type = type;
  return channel;
}
job::Channel with_manifest(World& world, const std::string& list) {
  return with_list(world, job::SourceType::ManifestFile, list);
}
std::vector<std::string> keys_of(const ChannelStream& stream) {
  std::vector<std::string> keys;
  for (const auto i : order_of(stream, 0)) {
    const auto* object = std::get_if<ports::S3Location>(&stream.pieces[i]);
    keys.push_back(object ? object->bucket + "/" + object->key : "'" + std::get<std::string>(stream.pieces[i]) + "'");
  }
  return keys;
}

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

TEST_CASE("FastFile reads a whole folder, with or without its slash, and nothing else") {
  World world;
  for (const auto* key : {"data/train/a", "data/train-more/b", "data/train/deep/c"}) put(world, key);
  for (const auto* uri : {"s3://bucket/data/train", "s3://bucket/data/train/"}) {
    auto channel = channel_of(uri);
    channel.mode = job::InputMode::FastFile;
    CHECK(download(world, channel).value().files == 2);
    CHECK(got(world) == Files{{"a", "contents of data/train/a"}, {"deep/c", "contents of data/train/deep/c"}});
  }
  for (const auto* uri : {"s3://bucket/data/tra", "s3://bucket/data/train/a"}) {
    auto channel = channel_of(uri);
    channel.mode = job::InputMode::FastFile;
    const auto refused = download(world, channel);
    CHECK(refused.error().kind == Kind::not_found);
    CHECK(refused.error().message.find("names a whole folder") != std::string::npos);
  }
}

TEST_CASE("a list of a FastFile channel names the files that a copy would bring, with their versions") {
  World world;
  for (const auto* key : {"data/train/", "data/train/a", "data/train-more/b", "data/train/deep/c"}) put(world, key);
  auto channel = channel_of("s3://bucket/data/train");
  channel.mode = job::InputMode::FastFile;
  const auto listing = list_channel(world.store, channel, {}).value();
  CHECK(listing.bucket == "bucket");
  CHECK(listing.prefix == "data/train/");
  REQUIRE(listing.files.size() == 2);
  CHECK(listing.files[0].path == "a");
  CHECK(listing.files[1].path == "deep/c");
  for (const auto& file : listing.files) {
    const auto info = world.files->head("bucket", listing.prefix + file.path).value();
    CHECK(file.size == info.size);
    CHECK(file.version == info.etag);
    CHECK(file.modified == info.modified);
  }
  channel.distribution = "ShardedByS3Key";
  CHECK(list_channel(world.store, channel, {1, 2}).value().files.at(0).path == "deep/c");
  channel.s3_uri = "s3://bucket";
  CHECK(list_channel(world.store, channel, {}).value().files.size() == 3);
  channel.s3_uri = "s3://bucket/data/tra";
  CHECK(list_channel(world.store, channel, {}).error().message.find("names a whole folder") != std::string::npos);
}

TEST_CASE("names that a copy would refuse are refused in a list too") {
  const auto longest = std::string(255, 'n');
  const auto too_long = longest + "n";
  for (const auto& bad : {std::string("data/../../evil"), std::string("data//x"), std::string("data/good/below"),
                          "data/" + too_long, "data/x/" + too_long + "/y"}) {
    World world;
    put(world, "data/good");
    auto channel = channel_of("s3://bucket/data");
    channel.mode = job::InputMode::FastFile;
    CHECK(list_channel(world.store, channel, {}).has_value());
    put(world, bad);
    CHECK_MESSAGE(list_channel(world.store, channel, {}).error().kind == Kind::invalid, bad);
  }
  World world;
  put(world, "data/" + longest);
  auto channel = channel_of("s3://bucket/data");
  channel.mode = job::InputMode::FastFile;
  CHECK(list_channel(world.store, channel, {}).value().files.at(0).path == longest);
}

TEST_CASE("a manifest names the files of a channel, and where they land") {
  World world;
  for (const auto* key : {"data/a", "data/deep/b", "data/c"}) put(world, key);
  const auto channel = with_manifest(world, R"([{"prefix": "s3://bucket/data/"}, "deep/b", "a", "a"])");
  CHECK(download(world, channel).value().files == 2);
  CHECK(got(world) == Files{{"a", "contents of data/a"}, {"deep/b", "contents of data/deep/b"}});
  CHECK(keys_of(find_stream(world.store, channel, {}).value()) ==
        std::vector<std::string>{"bucket/data/deep/b", "bucket/data/a", "bucket/data/a"});
}

TEST_CASE("a manifest that is wrong, or names what is not there, is the user's mistake") {
  World world;
  const auto wrong = download(world, with_manifest(world, R"([{"prefix": "s3://bucket/data/"}, "../secret"])"));
  CHECK(wrong.error().kind == Kind::invalid);
  CHECK(
      wrong.error().message.starts_with("the ManifestFile s3://bucket/lists/one is wrong: its element 2, '../secret'"));
  const auto missing = download(world, with_manifest(world, R"([{"prefix": "s3://bucket/data/"}, "nothing"])"));
  CHECK(missing.error().kind == Kind::not_found);
  CHECK(missing.error().message.find("s3://bucket/data/nothing") != std::string::npos);
  auto no_list = channel_of("s3://bucket/lists/none");
  no_list.type = job::SourceType::ManifestFile;
  CHECK(download(world, no_list).error().kind == Kind::not_found);
  CHECK(got(world).empty());
}

TEST_CASE("a shard is every n-th object, and together they are all") {
  World world;
  for (int i = 0; i < 10; ++i) put(world, fmt::format("data/{}", i));
  auto channel = channel_of("s3://bucket/data/");
  CHECK(find_stream(world.store, channel, {2, 3}).value().pieces.size() == 10);  // FullyReplicated
  channel.distribution = "ShardedByS3Key";
  CHECK(keys_of(find_stream(world.store, channel, {2, 3}).value()) ==
        std::vector<std::string>{"bucket/data/2", "bucket/data/5", "bucket/data/8"});
  CHECK(download(world, channel, {11, 12}).value().files == 0);
  CHECK(got(world).empty());
  CHECK(download(world, channel).value().files == 10);
}

TEST_CASE("the lines of an augmented manifest are sharded and shuffled as wholes") {
  World world;
  std::string list;
  for (int i = 0; i < 40; ++i) list += fmt::format("{{\"image-ref\": \"s3://bucket/{}\", \"class\": {}}}\n", i, i % 7);
  auto channel = with_list(world, job::SourceType::AugmentedManifestFile, list);
  channel.attributes = {"image-ref", "class"};
  CHECK(find_stream(world.store, channel, {}).value().pieces.size() == 80);
  channel.distribution = "ShardedByS3Key";
  auto stream = find_stream(world.store, channel, {1, 20}).value();
  CHECK(keys_of(stream) == std::vector<std::string>{"bucket/1", "'1'", "bucket/21", "'0'"});
  channel.shuffle_seed = 5;
  stream = find_stream(world.store, channel, {}).value();
  const auto keys = keys_of(stream);
  REQUIRE(keys.size() == 80);
  bool in_order = true;
  for (std::size_t i = 0; i < keys.size(); i += 2) {
    const int number = std::stoi(keys[i].substr(keys[i].find('/') + 1));
    CHECK(keys[i + 1] == fmt::format("'{}'", number % 7));
    if (number != static_cast<int>(i / 2)) in_order = false;
  }
  CHECK_FALSE(in_order);
}
