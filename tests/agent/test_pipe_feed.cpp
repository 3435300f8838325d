// Real pipes, a real store, and the test as the program. Nothing here waits for a time: a read returns when there is
// something to read, or an end.
#include "agent/pipe_feed.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <future>

#include "agent/checkpoint_world.hpp"
#include "support/gzipped.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Feeding {
  World world;
  ThreadTasks tasks;
  ChannelStream stream;
  fs::path data = world.dir / "data";
  std::promise<void> trouble;
  std::unique_ptr<PipeFeed> feed;

  Feeding() { fs::create_directory(data); }
  void put(const std::string& key, const std::string& bytes) {
    REQUIRE(world.files->put_bytes("bucket", key, bytes));
    stream.pieces.emplace_back(ports::S3Location{"bucket", key});
  }
  void start() {
    auto started = PipeFeed::start(
        world.store, "train", stream, data, tasks, [this] { trouble.set_value(); }, Duration{0});
    REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
    feed = std::move(*started);
  }
  fs::path pipe(int epoch) const { return data / ("train_" + std::to_string(epoch)); }
  bool exists(int epoch) const { return fs::is_fifo(pipe(epoch)); }
  Fd open(int epoch, int flags = 0) const {
    Fd fd{::open(pipe(epoch).c_str(), O_RDONLY | O_CLOEXEC | flags)};
    REQUIRE(fd);
    return fd;
  }
  std::string read(int epoch) const { return rest_of(open(epoch)); }
  static std::string rest_of(const Fd& fd) {
    std::string text;
    char block[65536];
    for (ssize_t n = 0; (n = ::read(fd.get(), block, sizeof block)) > 0;)
      text.append(block, static_cast<std::size_t>(n));
    return text;
  }
  static std::string some_of(const Fd& fd) {
    char block[100];
    pollfd waiting{fd.get(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, -1) == 1);
    const auto n = ::read(fd.get(), block, sizeof block);
    REQUIRE(n > 0);
    return {block, static_cast<std::size_t>(n)};
  }
  Error wait_for_trouble() {
    trouble.get_future().wait();
    return feed->trouble().value();
  }
};

// As MXNet's reader does it, for records in one part.
std::vector<std::string> records_in(std::string_view bytes) {
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i)
      value |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[at + i])) << 8 * i;
    return value;
  };
  std::vector<std::string> records;
  while (!bytes.empty()) {
    REQUIRE(bytes.size() >= 8);
    REQUIRE(number(0) == 0xced7230a);
    const auto length = number(4);
    REQUIRE(bytes.size() >= 8 + (length + 3) / 4 * 4);
    records.emplace_back(bytes.substr(8, length));
    bytes.remove_prefix(8 + (length + 3) / 4 * 4);
  }
  return records;
}

}  // namespace

TEST_CASE("each epoch is a pipe with everything in it, and the next one is there already") {
  Feeding feeding;
  const auto big = noise(2'500'000);
  feeding.put("a", "first ");
  feeding.put("b", big);
  feeding.put("c", "");
  feeding.put("d", " last");
  feeding.start();
  for (int epoch = 0; epoch < 4; ++epoch) {
    CHECK(feeding.exists(epoch));
    CHECK(feeding.exists(epoch + 1));
    CHECK(feeding.read(epoch) == "first " + big + " last");
    CHECK_FALSE(feeding.exists(epoch));
  }
  CHECK_FALSE(feeding.feed->trouble());
}

TEST_CASE("every epoch has an order of its own, and an attempt that begins anew has the same") {
  std::vector<std::string> first;
  for (int attempt = 0; attempt < 2; ++attempt) {
    Feeding feeding;
    for (char c = 'a'; c <= 'z'; ++c) feeding.put(std::string(1, c), std::string(1, c));
    feeding.stream.shuffle_seed = 3;
    feeding.start();
    std::vector<std::string> epochs;
    for (int epoch = 0; epoch < 3; ++epoch) epochs.push_back(feeding.read(epoch));
    CHECK(epochs[0] != epochs[1]);
    CHECK(epochs[1] != epochs[2]);
    if (attempt == 0) first = epochs;
    CHECK(epochs == first);
    std::ranges::sort(epochs[0]);
    CHECK(epochs[0] == "abcdefghijklmnopqrstuvwxyz");
  }
}

TEST_CASE("a program that closes early gets the next epoch from its beginning") {
  Feeding feeding;
  const auto text = noise(6'000'000);
  feeding.put("a", text);
  feeding.start();
  { CHECK(text.starts_with(Feeding::some_of(feeding.open(0)))); }
  CHECK(feeding.read(1) == text);
}

TEST_CASE("a stream ends though nobody opens its pipe") {
  Feeding feeding;
  feeding.put("a", "text");
  feeding.start();
  feeding.feed.reset();
  CHECK(feeding.exists(0));
}

TEST_CASE("a stream ends though its reader reads no more") {
  Feeding feeding;
  const auto text = noise(9'000'000);
  feeding.put("a", text);
  feeding.start();
  const auto reader = feeding.open(0);
  auto got = Feeding::some_of(reader);
  feeding.feed.reset();
  got += Feeding::rest_of(reader);
  CHECK(got.size() < text.size());
  CHECK(text.starts_with(got));
}

TEST_CASE("a stream ends though its pipe's name is gone") {
  Feeding feeding;
  feeding.put("a", "text");
  feeding.start();
  fs::remove_all(feeding.data);
  feeding.feed.reset();
}

TEST_CASE("an object that is not there is trouble, and its epoch does not end") {
  Feeding feeding;
  feeding.put("a", "before");
  feeding.stream.pieces.emplace_back(ports::S3Location{"bucket", "missing"});
  feeding.start();
  const auto reader = feeding.open(0);
  CHECK(feeding.wait_for_trouble().kind == Kind::not_found);
  CHECK(Feeding::some_of(reader) == "before");
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  char byte = 0;
  CHECK(::read(reader.get(), &byte, 1) == -1);
  CHECK(errno == EAGAIN);
}

TEST_CASE("a store that comes back is read on where it was left") {
  Feeding feeding;
  const auto text = noise(3'000'000);
  feeding.put("a", text);
  feeding.put("b", "end");
  int losses = 3;
  feeding.world.store.after = [&](std::string_view, const std::string& key) -> std::optional<Error> {
    if (key == "a" && losses-- > 0) return Error{Kind::try_again, "lost"};
    return std::nullopt;
  };
  feeding.start();
  CHECK(feeding.read(0) == text + "end");
}

TEST_CASE("compressed objects are decompressed on the way, and damage is the user's") {
  Feeding feeding;
  const auto text = noise(2'000'000);
  feeding.put("a", gzipped(text));
  feeding.put("b", gzipped("b1") + gzipped("b2"));
  feeding.stream.gzip = true;
  feeding.start();
  CHECK(feeding.read(0) == text + "b1b2");

  Feeding damaged;
  damaged.put("a", "plain text");
  damaged.stream.gzip = true;
  damaged.start();
  const auto reader = damaged.open(0);
  CHECK(damaged.wait_for_trouble().kind == Kind::invalid);
  CHECK(damaged.feed->trouble()->message.find("s3://bucket/a") != std::string::npos);
}

TEST_CASE("each object and each value is a record") {
  for (const bool gzip : {false, true}) {
    Feeding feeding;
    const auto text = noise(1'500'001);
    const auto stored = [&](const std::string& bytes) { return gzip ? gzipped(bytes) : bytes; };
    feeding.put("a", stored(text));
    feeding.put("b", stored(""));
    feeding.stream.pieces.emplace_back("label");
    feeding.stream.gzip = gzip;
    feeding.stream.record_io = true;
    feeding.start();
    CHECK(records_in(feeding.read(0)) == std::vector<std::string>{text, "", "label"});
  }
}

TEST_CASE("what a program puts in a pipe's place is never written to") {
  Feeding feeding;
  feeding.put("a", "text");
  feeding.start();
  write_in_place(feeding.world.dir / "victim", "untouched");
  fs::create_symlink(feeding.world.dir / "victim", feeding.pipe(2));
  fs::remove(feeding.pipe(1));
  fs::create_symlink(feeding.world.dir / "victim", feeding.pipe(1));
  const auto reader = feeding.open(0);
  CHECK(feeding.wait_for_trouble().kind == Kind::invalid);
  feeding.feed.reset();
  CHECK(files_in(feeding.world.dir.path()).at("victim") == "untouched");
}
