// Uploads that are counted and held to a rate.
#include <doctest/doctest.h>

#include <thread>

#include "agent/paced_store.hpp"
#include "objects/file_store.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_dir.hpp"

using namespace holdfast;
using namespace holdfast::agent;
using namespace holdfast::testing;

namespace {

class Bytes final : public ports::Source {
 public:
  explicit Bytes(std::uint64_t size) : size_(size) {}
  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t, std::span<char> into) override {
    std::fill(into.begin(), into.end(), 'x');
    return {};
  }

 private:
  std::uint64_t size_;
};

struct World {
  TempDir dir;
  std::unique_ptr<objects::FileStore> files =
      objects::FileStore::open(dir / "objects", objects::Durability::process).value();
  ThreadTasks tasks;
  World() { REQUIRE(files->create_bucket("bucket")); }
};

}  // namespace

TEST_CASE("a bucket of tokens keeps to its rate, whatever the pieces, and saves up a quarter of a second") {
  const Instant start = from_ms(1'000'000);
  TokenBucket bucket(1'000'000, start);
  CHECK(bucket.take(500'000, start) == milliseconds{500});
  CHECK(bucket.take(1'000'000, start) == milliseconds{1500});
  CHECK(bucket.take(0, start + seconds{1}) == milliseconds{500});
  // After an hour of rest a quarter of a second is saved up, no more.
  CHECK(bucket.take(100'000, start + hours{1}) == milliseconds{0});
  CHECK(bucket.take(10'000'000, start + hours{1}) == milliseconds{9'850});
}

TEST_CASE("what is put arrives, and is counted") {
  World world;
  SystemClock clock;
  PacedStore store(*world.files, clock, world.tasks, 0);
  Bytes source(3 << 20);
  REQUIRE(store.put("bucket", "key", source));
  CHECK(world.files->head("bucket", "key")->size == 3 << 20);
  CHECK(store.sent().bytes == 3 << 20);
  REQUIRE(store.put_bytes("bucket", "small", "abc"));
  CHECK(world.files->get_bytes("bucket", "small", 10).value() == "abc");
  CHECK(store.sent().bytes == (3 << 20) + 3);
  CHECK(store.sent().busy >= Duration{0});
}

TEST_CASE("a limited put takes its time, and none once the limit is lifted") {
  World world;
  SystemClock clock;
  PacedStore slow(*world.files, clock, world.tasks, 10'000'000);
  Bytes source(4 << 20);
  auto begin = clock.ticks();
  REQUIRE(slow.put("bucket", "key", source));
  // 4 MiB at 10 MB/s, less what may be saved up.
  CHECK(clock.ticks() - begin >= milliseconds{160});
  PacedStore stuck(*world.files, clock, world.tasks, 100'000);
  begin = clock.ticks();
  std::thread upload([&] {
    Bytes large(8 << 20);
    CHECK(stuck.put("bucket", "large", large));
  });
  stuck.lift();
  upload.join();
  // It would have been 84 s.
  CHECK(clock.ticks() - begin < seconds{40});
}
