// What an S3 store must do on a real server, whichever: the endpoint and its keys come in the environment, from
// tests/wire/test_s3_store.py, which starts the servers.
#include <cstdlib>

#include "conformance/object_store_suite.hpp"
#include "s3/environment.hpp"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr auto any = [](const std::string&, Instant) { return true; };

}  // namespace

TEST_CASE("any S3 is an object store") {
  OpenStore store(given("ENDPOINT"));
  store.empty_the_bucket();
  check_object_store(*store.store);
}

TEST_CASE("a large object goes in parts and is there when all of them are") {
  OpenStore store(given("ENDPOINT"));
  MemorySource source(23 * kMiB + 77, 1);
  REQUIRE(ok(store->put("bucket", "large", source)));
  CHECK(store->head("bucket", "large").value().size == source.size());
  CHECK(store.bytes_of("large") == source.bytes());
  for (const auto& [offset, length] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {0, 1}, {5 * kMiB - 1, 2}, {source.size() - 1, 100}, {3, 17 * kMiB}, {source.size(), 5}, {99 * kMiB, 1}}) {
    std::string got;
    const auto count = store->get("bucket", "large", offset, length, [&](std::string_view block) {
      got += block;
      return Result<void>{};
    });
    REQUIRE(ok(count));
    CHECK(*count == got.size());
    CHECK(got == (offset < source.size() ? source.bytes().substr(offset, length) : ""));
  }
  REQUIRE(ok(store->copy("bucket", "large", "copy")));
  CHECK(store.bytes_of("copy") == source.bytes());
}

TEST_CASE("parts that are too large for the memory are read twice") {
  auto options = small_options(given("ENDPOINT"));
  options.part_size = 12 * kMiB;
  options.memory = 16 * kMiB;
  OpenStore store(options);
  // Buffers are of 8 MiB here; an object of ten thousand parts is out of a test's reach, one of large parts is not.
  MemorySource source(40 * kMiB + 1, 2);
  REQUIRE(ok(store->put("bucket", "streamed", source)));
  CHECK(store.bytes_of("streamed") == source.bytes());
}

TEST_CASE("a source that changes under the upload leaves nothing") {
  OpenStore store(given("ENDPOINT"));
  MemorySource source(17 * kMiB, 3);
  source.fail_at = 11 * kMiB;
  source.failure = Error{Kind::conflict, "it changed"};
  CHECK(store->put("bucket", "changed", source).error().kind == Kind::conflict);
  CHECK(store->head("bucket", "changed").error().kind == Kind::not_found);
  // Nothing is left to pay for either.
  CHECK(store->abort_uploads("bucket", "changed", any).value() == 0);
}

TEST_CASE("what a dead process has begun is aborted, what a living one keeps is not") {
  OpenStore dead(given("ENDPOINT")), living(given("ENDPOINT"));
  MemorySource source(17 * kMiB, 4);
  source.fail_at = 11 * kMiB;
  source.failure = Error{Kind::try_again, "later"};
  CHECK(dead->put("bucket", "orphan/a", source).error().kind == Kind::try_again);
  CHECK(living->put("bucket", "orphan/b", source).error().kind == Kind::try_again);
  const auto long_ago = [&](const std::string& key, Instant begun) {
    CHECK((key == "orphan/a" && begun < living.clock.now() + hours{1}));
    return begun < living.clock.now() - hours{1};
  };
  CHECK(living->abort_uploads("bucket", "orphan/", long_ago).value() == 0);
  CHECK(living->abort_uploads("bucket", "elsewhere/", any).value() == 0);
  CHECK(living->abort_uploads("bucket", "orphan/", any).value() == 1);
  CHECK(living->abort_uploads("bucket", "orphan/", any).value() == 0);
  // Both go on: one with the parts that it has, the other from the beginning.
  source.fail_at.reset();
  REQUIRE(ok(living->put("bucket", "orphan/b", source)));
  CHECK(living.bytes_of("orphan/b") == source.bytes());
  REQUIRE(ok(dead->put("bucket", "orphan/a", source)));
  CHECK(dead.bytes_of("orphan/a") == source.bytes());
}

TEST_CASE("many threads, small and large") {
  OpenStore store(given("ENDPOINT"));
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (unsigned i = 0; i < 20; ++i) {
          MemorySource source(i == 7 ? 6 * kMiB + t : 100 * i + t, t * 100 + i);
          const auto key = fmt::format("many/{}/{}", t, i);
          if (!store->put("bucket", key, source) || store.bytes_of(key) != source.bytes()) ++wrong;
        }
      });
  }
  CHECK(wrong == 0);
  CHECK(store->list("bucket", "many/", "", 1000).value().objects.size() == 160);
}

TEST_CASE("keys that are nobody's are refused with S3's own words, and never with ours") {
  auto options = small_options(given("ENDPOINT"));
  OpenStore store(options, {given("ACCESS_KEY"), "not-the-secret", ""});
  const auto refused = store->put_bytes("bucket", "key", "x");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::permanent);
  CHECK(refused.error().message.find("SignatureDoesNotMatch") != std::string::npos);
  CHECK(refused.error().message.find("not-the-secret") == std::string::npos);
}
